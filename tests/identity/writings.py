"""People of many scripts, each written once in their own script and once in Latin letters.

The Latin spellings are those that passports, newspapers and the people themselves use.
"""

from __future__ import annotations

import random
import re
from itertools import product

# A name, and its usual spellings in Latin letters.
GIVEN = {
    "zh": (
        "伟 Wei|芳 Fang|秀英 Xiuying/Xiu Ying|小明 Xiaoming/Xiao Ming|建国 Jianguo|"
        "丽华 Lihua|志强 Zhiqiang/Zhi Qiang|雪梅 Xuemei|俊杰 Junjie|婷婷 Tingting|"
        "浩然 Haoran/Hao Ran|思雨 Siyu|国栋 Guodong|海燕 Haiyan|春花 Chunhua|"
        "子轩 Zixuan/Zi Xuan|欣怡 Xinyi|文博 Wenbo|玉兰 Yulan|鹏飞 Pengfei|晓东 Xiaodong|"
        "美玲 Meiling/Mei Ling"
    ),
    "ja": (
        "健一 Kenichi/Ken'ichi|太郎 Taro/Tarou/Tarō|花子 Hanako|翔太 Shota/Shouta|"
        "陽子 Yoko/Yōko|裕子 Yuko|直樹 Naoki|美咲 Misaki|大輔 Daisuke|直美 Naomi|"
        "涼平 Ryohei/Ryouhei|香織 Kaori|和也 Kazuya|由美子 Yumiko|拓真 Takuma|結衣 Yui|"
        "浩 Hiroshi|誠 Makoto|真一 Shinichi/Shin'ichi|千代 Chiyo|修平 Shuhei/Syuhei|"
        "恵子 Keiko"
    ),
    "ko": (
        "민수 Minsu/Min-su/Min Soo|지영 Jiyoung/Ji-young/Jiyeong|"
        "현우 Hyunwoo/Hyun-woo/Hyeonu|서연 Seoyeon/Seo-yeon|영희 Younghee/Young-hee/Yeonghui|"
        "철수 Chulsoo/Cheolsu|은정 Eunjung/Eun-jeong|성민 Sungmin/Seongmin|"
        "수진 Sujin/Soo-jin|준호 Junho/Joon-ho|미경 Mikyung/Mi-gyeong|"
        "동현 Donghyun/Dong-hyeon|혜진 Hyejin/Hye-jin|상훈 Sanghoon/Sang-hun|보람 Boram|"
        "정희 Junghee/Jeong-hui|승현 Seunghyun/Seung-hyeon|예진 Yejin/Ye-jin|"
        "재욱 Jaewook/Jae-uk|경숙 Kyungsook/Gyeong-suk"
    ),
    "ar": (
        "محمد Mohammed/Muhammad/Mohamed|أحمد Ahmed/Ahmad|فاطمة Fatima/Fatimah/Fatma|"
        "يوسف Youssef/Yusuf/Yousef|خالد Khaled/Khalid|عائشة Aisha/Aicha/Ayesha|عمر Omar/Umar|"
        "حسين Hussein/Husain/Hussain|عبد الله Abdullah/Abdallah/Abd Allah|"
        "عبد الرحمن Abdulrahman/Abdel Rahman/Abd al-Rahman|إبراهيم Ibrahim/Ebrahim|"
        "مريم Maryam/Mariam|زينب Zainab/Zeinab|كريم Karim/Kareem|طارق Tariq/Tarek|"
        "ليلى Layla/Leila|سعيد Said/Saeed|نور Nour/Noor|جمال Jamal/Gamal|"
        "مصطفى Mustafa/Moustafa|هدى Huda/Hoda|سامي Sami/Samy|ياسمين Yasmin/Yasmine|"
        "رشيد Rashid/Rachid"
    ),
    "fa": (
        "رضا Reza/Riza|زهرا Zahra|مهدی Mehdi/Mahdi|نسرین Nasrin/Nasreen|پرویز Parviz|"
        "شیرین Shirin/Shireen|امیر Amir/Ameer|فریدون Fereydoun/Faridun|لیلا Leila/Laila|"
        "کامران Kamran|مریم Maryam|جواد Javad/Jawad|سارا Sara/Sarah|حسن Hassan/Hasan|"
        "نیلوفر Niloufar/Nilufar|داریوش Dariush/Daryoush|گلناز Golnaz|بهرام Bahram|"
        "محمدرضا Mohammadreza/Mohammad Reza|ژاله Jaleh/Zhaleh"
    ),
    "he": (
        "דוד David|משה Moshe|שרה Sarah/Sara|יעקב Yaakov/Jacob|רחל Rachel/Rahel|"
        "חיים Chaim/Haim|נועה Noa/Noah|אברהם Avraham/Abraham|תמר Tamar|יוסף Yosef/Joseph|"
        "מיכל Michal|אורי Uri/Ori|שירה Shira|יצחק Yitzhak/Itzhak|רבקה Rivka|אלון Alon|"
        "גיל Gil|טליה Talia/Talya|נתן Natan/Nathan|צבי Zvi/Tzvi"
    ),
    "ru": (
        "Юлия Yulia/Julia/Iuliia|Алексей Alexey/Aleksei/Alexei|Сергей Sergey/Sergei|"
        "Наталья Natalya/Natalia|Дмитрий Dmitry/Dmitriy/Dmitri|"
        "Евгений Evgeny/Yevgeny/Evgenii|Михаил Mikhail|Анна Anna|Татьяна Tatiana/Tatyana|"
        "Андрей Andrey/Andrei|Ксения Ksenia/Xenia/Kseniya|Юрий Yuri/Yury/Iurii|Ирина Irina|"
        "Николай Nikolay/Nikolai|Фёдор Fedor/Fyodor|Екатерина Ekaterina/Yekaterina|"
        "Илья Ilya/Ilia|Мария Maria/Mariya|Виктор Viktor/Victor|Жанна Zhanna/Janna"
    ),
    "uk": (
        "Олександр Oleksandr|Юлія Yuliia/Yulia/Julia|Андрій Andrii/Andriy|"
        "Наталія Nataliia/Natalia|Сергій Serhii/Sergiy|Ганна Hanna/Ganna|Володимир Volodymyr|"
        "Оксана Oksana|Тарас Taras|Євген Yevhen/Evgen|Ірина Iryna/Irina|"
        "Михайло Mykhailo/Mykhaylo|Богдан Bohdan/Bogdan|Олена Olena|Ігор Ihor/Igor|"
        "Людмила Liudmyla/Lyudmila|Дмитро Dmytro|Зоряна Zoriana/Zoryana|Петро Petro|"
        "Соломія Solomiia/Solomiya"
    ),
    "el": (
        "Γιώργος Giorgos/Yorgos|Ελένη Eleni|Δημήτρης Dimitris/Demetris|Κατερίνα Katerina|"
        "Νίκος Nikos|Παναγιώτης Panagiotis/Panayiotis|Χρήστος Christos/Hristos|"
        "Βασίλης Vasilis/Vassilis|Ευαγγελία Evangelia/Euaggelia|Αντώνης Antonis|Μαρία Maria|"
        "Σταύρος Stavros|Ιωάννης Ioannis|Άγγελος Angelos/Aggelos|Θανάσης Thanasis|"
        "Φωτεινή Foteini/Fotini|Σπύρος Spyros/Spiros|Ουρανία Ourania|"
        "Χαράλαμπος Charalampos/Haralambos|Ευτυχία Eftychia/Eftihia"
    ),
}
FAMILY = {
    "zh": (
        "王 Wang|李 Li|张 Zhang|刘 Liu|陈 Chen|杨 Yang|赵 Zhao|黄 Huang|周 Zhou|吴 Wu|徐 Xu|"
        "孙 Sun|胡 Hu|朱 Zhu|高 Gao|林 Lin|何 He|郭 Guo|马 Ma|罗 Luo|梁 Liang|宋 Song|"
        "郑 Zheng|谢 Xie|韩 Han|唐 Tang|冯 Feng|吕 Lü/Lv|曾 Zeng|欧阳 Ouyang|单 Shan"
    ),
    "ja": (
        "佐藤 Sato/Satō/Satou|鈴木 Suzuki|高橋 Takahashi|田中 Tanaka|渡辺 Watanabe|"
        "伊藤 Ito/Itoh|山本 Yamamoto|中村 Nakamura|小林 Kobayashi|加藤 Kato|吉田 Yoshida|"
        "山田 Yamada|佐々木 Sasaki|山口 Yamaguchi|松本 Matsumoto|井上 Inoue|木村 Kimura|"
        "林 Hayashi|清水 Shimizu|斎藤 Saito/Saitoh|大野 Ohno/Ono|長谷川 Hasegawa|新井 Arai|"
        "土屋 Tsuchiya"
    ),
    "ko": (
        "김 Kim/Gim|이 Lee/Yi/Rhee|박 Park/Pak/Bak|최 Choi/Choe|정 Jung/Jeong/Chung|"
        "강 Kang/Gang|조 Cho/Jo|윤 Yoon/Yun|장 Jang/Chang|임 Lim/Im|한 Han|오 Oh/O|"
        "서 Seo/Suh|신 Shin/Sin|권 Kwon/Gwon|황 Hwang|안 Ahn/An|송 Song|류 Ryu/Yoo|홍 Hong|"
        "전 Jeon/Chun|고 Ko/Go|문 Moon/Mun|남궁 Namgung/Namkoong"
    ),
    "ar": (
        "الحسن Al-Hassan/Alhasan/El Hassan|المصري Al-Masri/El Masry|حداد Haddad|"
        "منصور Mansour/Mansoor|النجار Al-Najjar/El Naggar|خليل Khalil/Khaleel|"
        "الشريف Al-Sharif/El Sherif|صالح Saleh/Salih|حمدان Hamdan|قاسم Qasim/Kassem/Qassem|"
        "عثمان Othman/Osman|الخطيب Al-Khatib/El Khatib|ناصر Nasser/Nasir|بكر Bakr/Bakir|"
        "سليمان Suleiman/Sulaiman|درويش Darwish|الزهراني Al-Zahrani|عوض Awad|فرح Farah|"
        "رمضان Ramadan/Ramadhan|شاهين Shaheen/Chahine"
    ),
    "fa": (
        "احمدی Ahmadi|حسینی Hosseini/Husseini|کریمی Karimi|رضایی Rezaei/Rezaie|"
        "موسوی Mousavi/Musavi|جعفری Jafari/Jaafari|صادقی Sadeghi/Sadeqi|تهرانی Tehrani|"
        "نوری Nouri/Noori|شیرازی Shirazi|قاسمی Ghasemi/Qasemi|زارع Zare|یزدانی Yazdani|"
        "پهلوانی Pahlavani|باقری Bagheri/Baqeri|فرهادی Farhadi|گلستانی Golestani|"
        "ملکی Maleki/Malaki"
    ),
    "he": (
        "כהן Cohen/Kohen|לוי Levi/Levy|מזרחי Mizrahi/Mizrachi|פרץ Peretz/Perez|"
        "ביטון Biton/Bitton|דהן Dahan|אברהמי Avrahami|פרידמן Friedman/Fridman|"
        "אזולאי Azoulay/Azulai|גבאי Gabay/Gabai|שפירא Shapira|ברק Barak|נחום Nahum/Nachum|"
        "גולדברג Goldberg|שלום Shalom|קליין Klein|רוזנברג Rosenberg|"
        "בן דוד Ben David/Ben-David"
    ),
    "ru": (
        "Иванов Ivanov|Кузнецов Kuznetsov|Соловьёв Solovyov/Soloviev/Solovev|"
        "Щербаков Shcherbakov/Scherbakov|Жуков Zhukov/Joukov|Цветков Tsvetkov|"
        "Хрущёв Khrushchev/Khrushchyov|Чайковский Tchaikovsky/Chaikovskii|"
        "Васильев Vasilyev/Vasiliev|Никитин Nikitin|Горбачёв Gorbachev/Gorbachyov|"
        "Ельцин Yeltsin/Eltsin|Фролов Frolov|Яковлев Yakovlev/Iakovlev|"
        "Достоевский Dostoevsky/Dostoyevsky|Белый Bely/Belyi|Юдин Yudin/Iudin|"
        "Мельников Melnikov|Шевцов Shevtsov|Григорьев Grigoryev/Grigoriev"
    ),
    "uk": (
        "Шевченко Shevchenko|Коваленко Kovalenko|Бондаренко Bondarenko|Ткаченко Tkachenko|"
        "Кравчук Kravchuk|Лисенко Lysenko|Мельник Melnyk|Гончаренко Honcharenko|"
        "Зеленський Zelenskyi/Zelensky|Ющенко Yushchenko/Iushchenko|Гриценко Hrytsenko|"
        "Яценюк Yatsenyuk/Yatseniuk|Хоменко Khomenko|Журавель Zhuravel|Поліщук Polishchuk|"
        "Савчук Savchuk|Захарченко Zakharchenko|Петренко Petrenko|Щербак Shcherbak"
    ),
    "el": (
        "Παπαδόπουλος Papadopoulos|Γεωργίου Georgiou|Οικονόμου Oikonomou/Economou|"
        "Νικολάου Nikolaou/Nicolaou|Κωνσταντίνου Konstantinou/Constantinou|"
        "Παπανδρέου Papandreou|Μητσοτάκης Mitsotakis|Χατζής Chatzis/Hatzis|"
        "Αθανασίου Athanasiou|Ξενάκης Xenakis|Ψαράς Psaras|Μπακάλης Bakalis/Mpakalis|"
        "Ντόκος Ntokos/Dokos|Γκίκας Gkikas/Gikas|Τζαννετάκης Tzannetakis|"
        "Αγγελόπουλος Angelopoulos|Ευθυμίου Efthymiou/Efthimiou|Δημητρίου Dimitriou|"
        "Ζαφείρης Zafeiris/Zafiris"
    ),
}
FAMILY_FIRST = {"zh", "ja", "ko"}


def people(
    language: str, count: int, seed: int = 1, *, full: bool = False
) -> tuple[list[dict[str, str]], list[int]]:
    """Return records, two a person in a random order, and the number of each record's person.

    Args:
        language: the language of the names.
        count: the number of people.
        seed: of the random numbers.
        full: whether names are in one column, without a space and with the family name first
            where that is usual.
    """
    dice = random.Random(seed)
    names = list(product(spelled(GIVEN[language]), spelled(FAMILY[language])))
    rows: list[tuple[dict[str, str], int]] = []
    for person, ((given, of_given), (family, of_family)) in enumerate(dice.choices(names, k=count)):
        birth = {"BirthDate": _birth(dice)}
        latin = dice.choice(of_given), dice.choice(of_family)
        for is_native, parts in ((True, (given, family)), (False, latin)):
            name = dict(zip(("FirstName", "LastName"), parts, strict=True))
            if full:
                name = {"FullName": _whole(parts, language, dice, is_native=is_native)}
            rows.append((name | birth, person))
    dice.shuffle(rows)
    return [row for row, _ in rows], [person for _, person in rows]


def _birth(dice: random.Random) -> str:
    return f"{dice.randrange(1940, 2004)}-{dice.randrange(1, 13):02d}-{dice.randrange(1, 29):02d}"


def _whole(parts: tuple[str, str], language: str, dice: random.Random, *, is_native: bool) -> str:
    is_eastern = language in FAMILY_FIRST
    family_first = is_eastern and (is_native or dice.random() < 0.5)
    separator = dice.choice(("", " ")) if is_native and is_eastern else " "
    return separator.join(reversed(parts) if family_first else parts)


def spelled(names: str) -> list[tuple[str, list[str]]]:
    """Return names and their Latin spellings."""
    result = []
    for name in names.split("|"):
        native, _, spellings = re.split(r"( )(?=[A-Z])", name, maxsplit=1)
        result.append((native, spellings.split("/")))
    return result
