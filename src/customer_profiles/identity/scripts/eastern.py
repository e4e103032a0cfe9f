"""The order and the parts of Chinese, Japanese and Korean names, in their script and in Latin."""

from __future__ import annotations

from .letters import Script, script_of
from .readings import is_japanese

_PINYIN = (
    "(?:(?:[bpmfdtnlgkhrzcsyw]|[zcs]h)?(?:ang?|ai|ao|a|eng?|ei|er?|ong|ou)|[bpmfwy]o"
    "|(?:[bpmdtnljqx]|y)?(?:iang|ian|iao|iong|ing?|ia|ie|iu)|(?:[bpmdtnljqxyr]|[zcs]h?)i"
    "|(?:[dtnlgkhrzcs]|[zcs]h)(?:uang|uan|uai|ui|un|uo|ua|u)|[bpmfyw]u|[jqxy](?:uan|ue|un|u)"
    "|[nl](?:ve?|ue))"
)
"""A syllable of Mandarin."""
_KOREAN = (
    "(?:(?:ch|kk|tt|pp|ss|jj|sh|[gkndtrlmbpsjh])?(?:yeo|you|yoo|yae|yu|yo|ye|ya|woo|weo|wae|wo|we|wi|wa"
    "|eui|eo|eu|ee|ae|oe|oo|ui|ou|a|e|i|o|u)(?:ng|[kgnlmpbt])?)"
)
"""A syllable of a Korean given name."""
_SURNAME_WORDS = (
    "ouyang sima zhuge shangguan huangfu situ dongfang yuchi namgung namkoong namkung wang "
    "kim li lee zhang park liu choi chen jung yang kang huang cho zhao yoon wu jang zhou lim "
    "xu han sun oh ma seo zhu shin hu kwon guo hwang he ahn lin song gao ryu luo hong zheng "
    "gim liang yi xie rhee pak tang bak deng choe jeong feng chung cao gang peng jo zeng yun "
    "xiao chang tian im dong suh pan sin yuan gwon cai yoo jiang jeon yu chun du ko ye koh "
    "cheng moon wei mun su lu an lv go ding son ren sohn shen bang yao byun cui byeon tan yeo "
    "fan pyo wan gil bai kil dai eom meng um qin won gu cheon hou myung shao mao xue qiu ban "
    "jin do shi uhm xia tak duan ki long wi tao seol hao sul gong jun qian hyun yin hyeon "
    "kong chu xiang choo shan mok ai bok bong ba eun bao bei bian you bo yum bu yeom cen hur "
    "chai bae baek che paik chi heo nam cong shim dang noh di roh diao ha dou kwak fang sung "
    "fei cha fu joo gan ju ge woo geng koo guan gui min hang na hua huan huo ji jia jian jiao "
    "jing ke kuang lai lan lang lei leng lian liao ling lou luan man mei mi miao ming mo mu "
    "ni nie niu ning ou pang pei pi piao ping pu qi qiao qu quan ran rao rong ruan rui sang "
    "sha shang she sheng shu shuai shuang si sui teng tong tu wen weng xi xian xin xing xiong "
    "yan ying yue zang zhai zhan zhen zhong zhuang zhuo zong zou zu zuo "
)
_SURNAMES = _SURNAME_WORDS.split()
"""Chinese and Korean surnames in Latin letters: long ones, then the most frequent ones first."""
_RANK = {surname: rank for rank, surname in enumerate(_SURNAMES)}
SYLLABLE = f"(?:{_PINYIN}|{_KOREAN})"
SURNAME = f"(?:{'|'.join(_SURNAMES)})"
IS_SYLLABLE, IS_SURNAME = f"^{SYLLABLE}$", f"^{SURNAME}$"
FAMILY_FIRST = rf"^{SURNAME} {SYLLABLE}{{1,2}}(?: {SYLLABLE})?$"
"""A Latin full name that may begin with the surname."""
_KANA = "[ぁ-ゖァ-ヺー]+"
REORDERED = (
    (rf"(?i)^({SURNAME}) ({SYLLABLE})-({SYLLABLE})$", r"\2\3 \1"),
    (rf"(?i)^({SYLLABLE})-({SYLLABLE}) ({SURNAME})$", r"\1\2 \3"),
    (f"^({_KANA})[ \u3000]({_KANA})$", r"\2 \1"),
)
"""Full names whose hyphen or script shows which words are the given name, and their new order."""
TONES = rf"^(?:{_PINYIN}[1-5])+(?: (?:{_PINYIN}[1-5])+)*$"
"""Names in pinyin with the tones as digits."""

_COMPOUND = frozenset(
    [
        "欧阳",
        "歐陽",
        "司马",
        "司馬",
        "诸葛",
        "諸葛",
        "上官",
        "皇甫",
        "司徒",
        "东方",
        "東方",
        "尉迟",
        "公孙",
        "公孫",
        "令狐",
        "慕容",
        "夏侯",
        "宇文",
        "长孙",
        "澹台",
        "端木",
        "남궁",
        "제갈",
        "독고",
    ]
)
_CHINESE = frozenset(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林罗羅高郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾"
    "肖蕭田董袁潘于蒋蔣蔡余杜叶葉程苏蘇魏吕呂丁任沈姚卢盧姜崔钟鍾谭譚陆陸汪范金石廖贾賈夏韦韋付傅方白"
    "邹鄒孟熊秦邱丘江尹薛闫閻段雷侯龙龍史陶黎贺賀顾顧毛郝龚龔邵万萬钱錢严嚴覃武戴莫孔向汤湯常温溫康施"
    "文牛樊葛邢安齐齊易乔喬伍庞龐颜顏倪庄莊聂聶章鲁魯岳翟殷詹申欧歐耿关關兰蘭焦俞左柳甘祝包宁寧尚符舒"
    "阮柯纪紀梅童凌毕畢单單季裴霍涂成苗谷盛曲翁冉骆駱蓝藍路游辛靳管柴蒙鲍鮑华華喻祁蒲房滕屈饶饒解牟艾"
    "尤阳陽时時穆农農司卓古吉缪繆简簡车車项項连連芦蘆麦麥褚娄婁窦竇戚岑景党黨宫宮费費卜冷晏席卫衛米柏"
    "宗瞿桂全佟应應臧闵閔苟邬鄔边邊卞姬师師仇栾欒隋商刁沙荣榮巫寇桑郎甄丛叢仲虞敖巩鞏佘池查麻苑迟遲邝"
    "鄺官封谈談匡鞠惠荆荊乐樂冀郁胥班储儲栗燕楚鄢劳勞谌奚皮粟冼蔺藺楼樓盘盤满滿闻聞厉厲仝区區郜阚闞权"
    "權"
)
"""The usual Chinese surnames of one character."""
_LONGEST_OF_ONE = 3
"""A name of so many characters has a surname of one, unless that is known to be longer."""


def family_length(name: str) -> int:
    """Return how many characters of a full name, written without a space, are the surname."""
    size = len(name)
    if name[:2] in _COMPOUND:
        return min(2, size - 1)
    for length in (3, 2, 1):
        # Names of three characters may be Chinese: their given name has to be Japanese, too.
        given = name[length:] if size <= _LONGEST_OF_ONE else ""
        if length < size and is_japanese(name[:length], given):
            return length
    if size == _LONGEST_OF_ONE and name[0] not in _CHINESE and is_japanese(name[:2]):
        return 2
    return min(1 if size <= _LONGEST_OF_ONE else 2, size - 1)


def given_first(name: str) -> str:
    """Move the surname of a cleaned full name that is Chinese, Japanese or Korean to its end.

    Args:
        name: a name in Han characters or Hangul, or one that `FAMILY_FIRST` matches.
    """
    script = script_of(name)
    family, _, rest = name.partition(" ")
    if script == Script.LATIN:
        # Where the last word may be the surname as well, the more frequent surname is.
        is_last = _RANK.get(rest.rpartition(" ")[2], len(_RANK)) < _RANK.get(family, len(_RANK))
        return name if is_last or family not in _RANK else f"{rest} {family}"
    if script not in {Script.HAN, Script.HANGUL}:
        return name
    if not rest:
        size = family_length(name)
        family, rest = name[:size], name[size:]
    return f"{rest.replace(' ', '')} {family}".strip()
