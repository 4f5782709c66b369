"""Conversations through chat templates as transformers' apply_chat_template fills them: cases.json.

The templates are written for this test; each uses what a family of published ones uses. Run:

    python tests/golden/chat/make_chat.py
"""

import json
from pathlib import Path

import jinja2
import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

HERE = Path(__file__).parent

TEMPLATES = {
    # Turns between marks, a system's turn of its own where none is given.
    "marks": """{% for m in messages %}{% if loop.first and m['role'] != 'system' %}<|im_start|>system
Answer briefly.<|im_end|>
{% endif %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    # The beginning, trimmed contents, a date only where the library tells one.
    "headers": """{{- bos_token }}
{%- if strftime_now is defined and false %}
    {%- set today = strftime_now('%d %b %Y') %}
{%- else %}
    {%- set today = '1 Jan 2025' %}
{%- endif %}
{%- set turns = messages %}
{%- if messages[0].role == 'system' %}
    {%- set instruction = messages[0]['content'] | trim %}
    {%- set turns = messages[1:] %}
{%- else %}
    {%- set instruction = '' %}
{%- endif %}
{{- '<|header|>system<|end|>\\n\\nToday: ' ~ today ~ '\\n' ~ instruction ~ '<|eot|>' }}
{%- for turn in turns %}
    {{- '<|header|>' + turn.role + '<|end|>\\n\\n' + turn['content'] | trim + '<|eot|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|header|>assistant<|end|>\\n\\n' }}
{%- endif %}
""",
    # Roles must alternate; the system's words go into the first user's turn.
    "instructions": """{{ bos_token }}{% set ns = namespace(system='') %}{% for message in messages %}
{% if message['role'] == 'system' %}
{% set ns.system = message['content'] + '\\n\\n' %}
{% continue %}
{% endif %}
{% if (message['role'] == 'user') != ((loop.index0 - (1 if ns.system else 0)) % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}
{% if message['role'] == 'user' %}
{{ '[INST] ' + ns.system + message['content'].strip() + ' [/INST]' }}{% set ns.system = '' %}
{% else %}
{{ ' ' + message['content'] + eos_token }}
{% endif %}
{% endfor %}""",
    # Python's methods on texts, a macro, filters.
    "methods": """{%- macro turn(role, text) -%}
<{{ role | upper }}>{{ text }}</{{ role.upper() }}>
{%- endmacro -%}
{%- for message in messages -%}
    {%- set content = message.content -%}
    {%- if message.role == 'assistant' and '</think>' in content -%}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
    {%- endif -%}
    {%- if content.startswith('!') -%}{%- set content = content.replace('!', '', 1).title() -%}{%- endif -%}
    {{- turn(message['role'], content | replace('\\t', ' ')) -}}
{%- endfor -%}
{%- if add_generation_prompt is defined and add_generation_prompt -%}<ASSISTANT>{%- endif -%}""",
}

CONVERSATIONS = {
    "one": [("user", "What is the capital of France?")],
    "spaces and signs": [("user", "  <b>\"Ça & l'été\"</b>\t\u4f60\u597d \n")],
    "system": [("system", " Be brief. "), ("user", "Hi")],
    "turns": [("user", "!one two"), ("assistant", "<think>\nwell\n</think>\n\nthree"), ("user", "and\nnow?")],
    "empty": [("user", "")],
    "two of a kind": [("user", "a"), ("user", "b")],
}


def main() -> None:
    inner = Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
    cases = []
    for name, template in TEMPLATES.items():
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=inner, bos_token="<s>", eos_token="</s>", chat_template=template
        )
        for title, turns in CONVERSATIONS.items():
            messages = [{"role": role, "content": content} for role, content in turns]
            case = {"template": name, "conversation": title, "messages": messages}
            try:
                case["text"] = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            except jinja2.TemplateError as error:
                case["error"] = str(error)
            cases.append(case)
    versions = {"transformers": transformers.__version__, "jinja2": jinja2.__version__}
    text = json.dumps({"versions": versions, "templates": TEMPLATES, "cases": cases}, ensure_ascii=False, indent=1)
    (HERE / "cases.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
