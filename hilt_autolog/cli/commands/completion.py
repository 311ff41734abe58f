"""hilt completion: a script by which a shell completes commands, options and their choices, and files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.cli import COMMANDS, command_parser
from hilt_autolog.cli.exit_codes import OK

if TYPE_CHECKING:
    from collections.abc import Callable


class Option(NamedTuple):
    """An option of a command: its spellings, its line in the help, and what may follow it."""

    names: tuple[str, ...]
    meaning: str
    takes_value: bool
    choices: tuple[str, ...]


def options(command: str) -> list[Option]:
    """Return the options of a command, as its parser has them."""
    actions = command_parser(command)._actions  # noqa: SLF001  argparse has no other list of them
    return [
        Option(
            tuple(action.option_strings),
            (action.help or "").replace("%%", "%"),
            action.nargs != 0,
            tuple(map(str, action.choices or ())),
        )
        for action in actions
        if action.option_strings
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=tuple(_SHELLS), help="whose script to print")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _HOW


def run(chosen: argparse.Namespace) -> int:
    """Print the script."""
    print(_SHELLS[chosen.shell](), end="")
    return OK


def _bash() -> str:
    """Return a script for bash 3.2 and newer; a word that is no option of ours is a file's name."""
    cases, values = [], []
    for name in COMMANDS:
        found = options(name)
        words = [word for option in found for word in option.names]
        only = "; only=1" if _positional(name) else ""
        cases.append(f"        {name}) words={_quoted(' '.join([*words, *_positional(name)]))}{only} ;;")
        for option in found:
            if option.takes_value:
                pattern = "|".join(f"{name}:{spelling}" for spelling in option.names)
                values.append(f"        {pattern}) words={_quoted(' '.join(option.choices))}; only=1 ;;")
    return _BASH.format(
        commands=" ".join([*COMMANDS, "help", "--help", "--version"]),
        names=" ".join(COMMANDS),
        cases="\n".join(cases),
        values="\n".join(values),
    )


def _zsh() -> str:
    commands = "\n".join(f"    {_quoted(f'{name}:{meaning}')}" for name, meaning in COMMANDS.items())
    cases = []
    for name in COMMANDS:
        arguments = [_zsh_option(option) for option in options(name)]
        words = " ".join(_positional(name))
        arguments.append(_quoted(f"*:word:({words})" if words else "*:file:_files"))
        lines = " \\\n".join(f"        {argument}" for argument in arguments)
        cases.append(f"    {name})\n      _arguments -s \\\n{lines}\n      ;;")
    return _ZSH.format(commands=commands, names=" ".join(COMMANDS), cases="\n".join(cases))


def _zsh_option(option: Option) -> str:
    meaning = option.meaning.replace("[", "(").replace("]", ")").replace(":", "\\:")
    value = ""
    if option.takes_value:
        value = f":value:({' '.join(option.choices)})" if option.choices else ":value: "
    if len(option.names) == 1:
        return _quoted(f"{option.names[0]}[{meaning}]{value}")
    return f"{{{','.join(option.names)}}}{_quoted(f'[{meaning}]{value}')}"


def _fish() -> str:
    lines = ["complete -c hilt -e"]
    first = "not __fish_seen_subcommand_from " + " ".join(COMMANDS)
    lines += [
        f"complete -c hilt -n {_quoted(first)} -f -a {name} -d {_quoted(meaning)}"
        for name, meaning in COMMANDS.items()
    ]
    for name in COMMANDS:
        condition = _quoted(f"__fish_seen_subcommand_from {name}")
        if words := _positional(name):
            lines.append(f"complete -c hilt -n {condition} -f -a {_quoted(' '.join(words))}")
        for option in options(name):
            spelled = " ".join(
                f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" for word in option.names
            )
            value = f" -x -a {_quoted(' '.join(option.choices))}" if option.takes_value else ""
            lines.append(f"complete -c hilt -n {condition} {spelled}{value} -d {_quoted(option.meaning)}")
    return "\n".join(lines) + "\n"


def _positional(command: str) -> tuple[str, ...]:
    """Return the words that a command is called with, where these are no files."""
    return tuple(_SHELLS) if command == "completion" else ()


def _quoted(text: str) -> str:
    """Return text as one word of a shell, whatever stands in it."""
    return "'" + text.replace("'", "'\\''") + "'"


_SHELLS: dict[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
_HOW = """\
bash:  eval "$(hilt completion bash)"              in ~/.bashrc
zsh:   hilt completion zsh > "${fpath[1]}/_hilt"
fish:  hilt completion fish > ~/.config/fish/completions/hilt.fish
"""
_BASH = """\
# Completes the words of hilt in bash; made by `hilt completion bash`.
_hilt() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
    local command=${{COMP_WORDS[1]}} words= only=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W '{commands}' -- "$current"))
        return
    fi
    case $command in
        help) words='{names}'; only=1 ;;
{cases}
    esac
    case $command:$previous in
{values}
    esac
    if [ -n "$only" ] || [ "${{current#-}}" != "$current" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    fi
}}
complete -o default -o bashdefault -F _hilt hilt
"""
_ZSH = """\
#compdef hilt
# Completes the words of hilt in zsh; made by `hilt completion zsh`.
_hilt() {{
  local -a commands
  commands=(
{commands}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
    help)
      _values command {names}
      ;;
{cases}
  esac
}}
if [ "$funcstack[1]" = _hilt ]; then
  _hilt "$@"
else
  compdef _hilt hilt
fi
"""
