import pytest

from customer_profiles.engine.ingestion.sources import compile_source

ORDER = {
    "id": 7,
    "note": "",
    "price": 1.5,
    "paid": True,
    "gone": None,
    "customer": {"first": "Ada", "last": "King", "tags": ["vip", "new"]},
    "items": [{"title": "Pen", "sizes": [{"n": 1}, {"n": 2}]}, {"price": 2}, {"title": "Ink"}],
}


def read(source):
    return compile_source(source).read(ORDER)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("_source.id", "7"),
        ("_source.price", "1.5"),
        ("_source.paid", "true"),
        ("_source.customer.first", "Ada"),
        ("_source.customer.tags", '["vip","new"]'),
        ("_source.customer.tags.1", "new"),
        ("_source.items[].title", "Pen"),
        ("_source.note", None),
        ("_source.gone", None),
        ("_source.customer.first.letter", None),
        ("_source.missing.deeply", None),
    ],
)
def test_a_path_gives_its_value_as_text(source, value):
    assert read(source) == value


def test_an_array_gives_a_value_for_each_of_its_items():
    assert compile_source("_source.items[].title").read_all(ORDER) == ["Pen", None, "Ink"]
    assert compile_source("_source.items[].sizes[].n").read_all(ORDER) == ["1", "2"]
    assert compile_source("_source.missing[].n").read_all(ORDER) == []


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{_source.customer.first}} {{_source.customer.last}}", "Ada King"),
        ("{{_source.gone}} {{_source.note}}", None),
        ("{{#if _source.paid}}yes{{else}}no{{/if}}", "yes"),
        ("{{#if _source.gone}}a{{else if _source.id}}b{{else}}c{{/if}}", "b"),
        ("{{#unless _source.gone}}open{{/unless}}", "open"),
        ("{{#each _source.customer.tags}}{{@index}}{{this}}{{/each}}", "0vip1new"),
        ("{{#each _source.items}}{{title}}{{#unless @last}},{{/unless}}{{/each}}", "Pen,,Ink"),
        ("{{#each _source.items}}{{#each sizes}}{{../title}}{{n}}{{/each}}{{/each}}", "Pen1Pen2"),
        ("{{#each _source.gone}}x{{else}}none{{/each}}", "none"),
        ("{{#with _source.customer}}{{first}}-{{this.last}}-{{_source.id}}{{/with}}", "Ada-King-7"),
        ("{{#removeExtraSpace}} {{_source.id}}  {{_source.gone}} x {{/removeExtraSpace}}", "7 x"),
        ("#{{{_source.id}}}{{! a remark }}{{!-- {{another}} --}}", "#7"),
        ("a {{~_source.id~}} b", "a7b"),
        ("{{_source.items.[2].title}}", "Ink"),
    ],
)
def test_a_template_is_rendered(template, value):
    assert read(template) == value


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("id", "begin with _source"),
        ("_source", "begin with _source"),
        ("_source.a..b", "not a valid name"),
        ("_source.a[0]", "not a valid name"),
        ("{{_source.id", "not closed by '}}', at character 1"),
        ("{{#if _source.id}}x", "'#if _source.id' is not closed, at character 1"),
        ("{{#if _source.id}}x{{/each}}", "closed by 'each', at character 20"),
        ("x{{/if}}", "'if' does not belong to an open block, at character 2"),
        ("{{#loop _source.id}}{{/loop}}", "'#loop' is not a block"),
        ("{{title}}", "'title' must begin with _source"),
        ("{{upper _source.id}}", "helpers"),
        ("{{#if}}x{{/if}}", "must begin with _source"),
        ("{{../x}}", "goes up beyond the outermost block"),
        ("{{#each _source.a}}{{@depth}}{{/each}}", "'@depth' is unknown"),
        ("{{> part}}", "not a path"),
    ],
)
def test_a_bad_source_is_refused_with_what_is_wrong(source, problem):
    with pytest.raises(ValueError, match=problem.replace("{", r"\{").replace(".", r"\.")):
        compile_source(source)
