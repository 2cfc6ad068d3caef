"""Marks that leak from models into the text of an answer, each with its source.

A mark is written as a model's tokenizer or chat template has it, in lower case. Fullwidth bars
and the block U+2581 of DeepSeek's tokens count as "|" and "_", attributes as nothing.
"""

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace


class MarkKind(enum.Enum):
    THOUGHT = enum.auto()
    """Up to its closing mark: not for the person."""
    CALL = enum.auto()
    """Up to its closing mark, or to the end: calls of tools."""
    FENCE = enum.auto()
    """Up to its closing mark: calls of tools, or else code of the answer's own."""
    CODE = enum.auto()
    """Up to the next fence: the answer's own, whatever is in it."""
    HEADER = enum.auto()
    """A role's or a channel's name follows, which tells for whom the text after it is."""
    TITLE = enum.auto()
    """The end of a header."""
    OTHERS = enum.auto()
    """Another than the assistant speaks from here on, up to its closing mark."""
    CLOSING = enum.auto()
    """Ends a thought. Alone, it tells that the text before it was one."""
    ALONE = enum.auto()
    """It means nothing to a listener."""


@dataclass(frozen=True, slots=True)
class Mark:
    kind: MarkKind
    text: str
    closing: str
    """Empty where there is none."""
    source: str


def _rows(kind: MarkKind, *rows: tuple[str, str, str]) -> Iterator[Mark]:
    for text, closing, source in rows:
        yield Mark(kind, text, closing, source)


MARKS = (
    *_rows(
        MarkKind.THOUGHT,
        ("<think>", "</think>", "DeepSeek-R1, Qwen3, GLM-4.5, MiniMax-M2"),
        ("<thinking>", "</thinking>", "Claude-style prompts, Granite's early templates"),
        ("<thought>", "</thought>", "Gemini's OpenAI endpoint, Granite"),
        ("<thoughts>", "</thoughts>", "prompts for reasoning in tags"),
        ("<reasoning>", "</reasoning>", "GRPO templates (Unsloth, TRL)"),
        ("<reason>", "</reason>", "prompts for reasoning in tags"),
        ("<reflection>", "</reflection>", "Reflection-Llama"),
        ("<scratchpad>", "</scratchpad>", "Hermes' and Anthropic's prompts"),
        ("<analysis>", "</analysis>", "prompts for reasoning in tags"),
        ("<seed:think>", "</seed:think>", "Seed-OSS"),
        ("<mm:think>", "</mm:think>", "MiniMax"),
        ("<|think|>", "<|/think|>", "Solar, Phi's templates"),
        ("<|begin_of_thought|>", "<|end_of_thought|>", "OpenThinker, Sky-T1"),
        ("<|start_thinking|>", "<|end_thinking|>", "Command A Reasoning"),
        ("<|inner_prefix|>", "<|inner_suffix|>", "Apertus"),
        ("<unused94>", "<unused95>", "MedGemma"),
        ("[think]", "[/think]", "Magistral (mistral-common's special tokens)"),
        ("[thinking]", "[/thinking]", "prompts for reasoning in brackets"),
        ("◁think▷", "◁/think▷", "Kimi-VL-Thinking"),
        ("<longcat_think>", "</longcat_think>", "LongCat-Flash"),
        ("<|thinking|>", "<|/thinking|>", "prompts for reasoning in tokens"),
        ("<|reasoning|>", "<|/reasoning|>", "prompts for reasoning in tokens"),
        ("<ctrl94>", "<ctrl95>", "Gemini"),
        (
            "<reasoning_content>",
            "</reasoning_content>",
            "proxies that fold the field into the text",
        ),
        ("<inner_monologue>", "</inner_monologue>", "prompts for reasoning in tags"),
        ("<inner_thoughts>", "</inner_thoughts>", "prompts for reasoning in tags"),
    ),
    Mark(MarkKind.CLOSING, "<channel|>", "", "Gemma 4, behind <|channel>thought"),
    *_rows(
        MarkKind.CALL,
        ("<tool_call>", "</tool_call>", "Hermes, Qwen2.5 and 3, GLM-4.5"),
        ("<tool_calls>", "</tool_calls>", "Jamba, MiniMax-M1"),
        ("<toolcall>", "</toolcall>", "Nemotron"),
        ("<tool_use>", "</tool_use>", "Claude-style prompts"),
        ("<tool_code>", "</tool_code>", "Gemini's and Gemma's prompts"),
        ("<longcat_tool_call>", "</longcat_tool_call>", "LongCat-Flash"),
        ("<tool>", "</tool>", "prompts for calls in tags"),
        ("<action>", "</action>", "prompts for calls in tags"),
        ("<seed:tool_call>", "</seed:tool_call>", "Seed-OSS"),
        ("<minimax:tool_call>", "</minimax:tool_call>", "MiniMax-M2"),
        ("<function_call>", "</function_call>", "Hermes' and Arctic's prompts"),
        ("<functioncall>", "</functioncall>", "Glaive's data set"),
        ("<function_calls>", "</function_calls>", "Claude-style prompts, OLMo 3"),
        ("<|dsml|function_calls>", "</|dsml|function_calls>", "DeepSeek-V3.2"),
        ("<function>", "</function>", "Llama 3.1: <function=name>; Qwen3-Coder"),
        ("<invoke>", "</invoke>", "Claude-style prompts"),
        ("<|tool_call>", "<tool_call|>", "Gemma 4"),
        ("<start_function_call>", "<end_function_call>", "FunctionGemma"),
        ("<|tool_call|>", "<|/tool_call|>", "Phi-4-mini; Granite 3, which does not close it"),
        ("<|tool_call_start|>", "<|tool_call_end|>", "LFM2"),
        ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "Kimi K2"),
        ("<|tool_call_begin|>", "<|tool_call_end|>", "Kimi K2; DeepSeek-V3.1"),
        ("<|tool_calls_begin|>", "<|tool_calls_end|>", "DeepSeek-V3 and R1"),
        ("<|action_start|>", "<|action_end|>", "InternLM 2"),
        ("<|start_action|>", "<|end_action|>", "Command R"),
        ("<|tools_prefix|>", "<|tools_suffix|>", "Apertus"),
        ("<|python_tag|>", "", "Llama 3.1"),
        ("[tool_calls]", "", "Mistral (mistral-common's special tokens)"),
        ("[tool_call]", "[/tool_call]", "prompts for calls in brackets"),
        ("[tool_request]", "[end_tool_request]", "LM Studio's default tool format"),
    ),
    *_rows(
        MarkKind.FENCE,
        ("```tool_code\n", "```", "Gemma 3"),
        ("```tool_call\n", "```", "Gemma 3"),
        ("```tool_calls\n", "```", "Gemma 3"),
        ("```tool\n", "```", "small models in general"),
        ("```function_call\n", "```", "small models in general"),
        ("```xml\n", "```", "Qwen2.5, which puts its tags into a fence"),
        ("```json\n", "```", "Gemma 3, and small models in general"),
        ("```\n", "```", "small models in general"),
    ),
    *_rows(
        MarkKind.HEADER,
        ("<|start|>", "<|message|>", "gpt-oss (harmony)"),
        ("<|channel|>", "<|message|>", "gpt-oss (harmony)"),
        ("<|channel>", "", "Gemma 4"),
        ("<|turn>", "", "Gemma 4"),
        ("<start_of_turn>", "", "Gemma 2 and 3"),
        ("<|im_start|>", "", "ChatML: Qwen, Hermes, SmolLM"),
        ("<|start_header_id|>", "<|end_header_id|>", "Llama 3"),
        ("<|header_start|>", "<|header_end|>", "Llama 4"),
        ("<|start_of_role|>", "<|end_of_role|>", "Granite 3"),
    ),
    *(
        Mark(MarkKind.TITLE, text, "", "the end of such a header")
        for text in ("<|message|>", "<|end_header_id|>", "<|header_end|>", "<|end_of_role|>")
    ),
    *_rows(
        MarkKind.OTHERS,
        ("<|user|>", "<|assistant|>", "Phi-3, GLM-4, Zephyr"),
        ("<|system|>", "<|assistant|>", "Phi-3, GLM-4, Zephyr"),
        ("<|observation|>", "<|assistant|>", "GLM-4"),
        ("<tool_response>", "</tool_response>", "Hermes, Qwen2.5 and 3, GLM-4.5"),
        ("<|tool_response>", "<tool_response|>", "Gemma 4"),
        ("<start_function_response>", "<end_function_response>", "FunctionGemma"),
        ("<function_results>", "</function_results>", "Claude-style prompts"),
        ("<|tool_outputs_begin|>", "<|tool_outputs_end|>", "DeepSeek-V3 and R1"),
        ("[tool_results]", "[/tool_results]", "Mistral (mistral-common's special tokens)"),
    ),
    *(
        Mark(MarkKind.ALONE, text, "", source)
        for source, texts in {
            "Llama 2 and Mistral": "<s> </s> [inst] [/inst]",
            "mistral-common": "[available_tools] [/available_tools] "
            "[args] [call_id] [system_prompt] [/system_prompt] [assistant] [/assistant]",
            "Gemma": "<bos> <eos> <pad> <unk> <end_of_turn> <turn|>",
        }.items()
        for text in texts.split()
    ),
)

_TOKEN = re.compile(r"</?\|[\w.:/|+-]{1,60}\|>|<unused\d{1,4}>|<0x[0-9a-f]{2}>|</?\|dsml\|[^<>]*>")
"""No person writes one: whatever else stands in bars (`<|eot_id|>`, `<|im_end|>`) is a token."""

_BEGUN = re.compile(
    r"`{1,3}|```\w{0,30}[ \t]{0,4}|</?\|[\w.:/|+-]{0,60}|<unused\d{0,4}|<0x[0-9a-f]{0,2}"
    r"|</?\|dsml\|[^<>]*"
)
_COMPLETE = re.compile(
    r"<[/|]{0,2}\w[^<>\n]{0,160}>|\[/?[a-z_]{2,24}\]|◁/?\w{2,24}▷|```\w*[ \t]*\n"
)
_NAMED = re.compile(r"(</?\|?[a-z_:|]+)[\s=][^<>\n]{0,160}")
"""A tag with attributes, up to its end."""

_PLAIN = {ord(upper): upper.lower() for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_PLAIN |= {ord("｜"): "|", ord("▁"): "_"}

_OPENINGS = {mark.text: mark for mark in MARKS}
_CLOSINGS = {
    mark.closing: Mark(
        MarkKind.CLOSING if mark.kind is MarkKind.THOUGHT else MarkKind.ALONE,
        mark.closing,
        "",
        mark.source,
    )
    for mark in MARKS
    if mark.closing and mark.kind in (MarkKind.THOUGHT, MarkKind.CALL, MarkKind.OTHERS)
}
_KNOWN = _CLOSINGS | _OPENINGS
_PREFIXES = frozenset(
    text[:size] for text in (*_KNOWN, "<unused", "<0x") for size in range(1, len(text) + 1)
)


def plain(text: str) -> str:
    """`text` as the marks are written; character for character."""
    return text.translate(_PLAIN)


def mark_at(text: str, at: int) -> Mark | None:
    """The mark that stands in the plain `text` at `at`; its `text` is as it stands there."""
    found = _COMPLETE.match(text, at)
    if found is None:
        return None
    written = found[0]
    named = _NAMED.fullmatch(written[:-1])
    key = re.sub(r"[ \t]+\n", "\n", written) if written[0] == "`" else written
    if key not in _KNOWN and named is not None:
        key = named[1] + ">"
    known = _KNOWN.get(key)
    if known is not None:
        return replace(known, text=written)
    if written[0] == "`":
        return Mark(MarkKind.CODE, written, "", "CommonMark")
    return Mark(MarkKind.ALONE, written, "", "") if _TOKEN.fullmatch(written) else None


def may_become_mark(rest: str) -> bool:
    """True if the plain `rest` of what has come so far may be the beginning of a mark."""
    if rest in _PREFIXES or _BEGUN.fullmatch(rest):
        return True
    named = _NAMED.fullmatch(rest)
    return named is not None and named[1] + ">" in _KNOWN
