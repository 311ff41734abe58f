"""hilt completion: a script with which a shell completes commands, options, their values, and file names."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from hilt_autolog.cli import COMMANDS, command_parser
from hilt_autolog.cli.exit_codes import OK

from .docs import topics

if TYPE_CHECKING:
    from collections.abc import Callable


class Option(NamedTuple):
    """An option of a command.

    Attributes:
        names: its spellings, as in ("-f", "--follow").
        help: its line in the help.
        takes_value: whether a value follows.
        choices: the possible values; empty if any will do.
    """

    names: tuple[str, ...]
    help: str
    takes_value: bool
    choices: tuple[str, ...]


def options(command: str) -> list[Option]:
    """Return the options of a command's parser."""
    actions = command_parser(command)._actions  # noqa: SLF001  argparse has no public list of them
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
    parser.add_argument("shell", choices=tuple(_SHELLS), help="the shell that runs the script")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _INSTALL_HELP


def run(args: argparse.Namespace) -> int:
    """Print the script of a shell."""
    print(_SHELLS[args.shell](), end="")
    return OK


def _bash() -> str:
    """Return a script for bash 3.2 and newer; a word that is no option is completed as a file name."""
    cases, values = [], []
    for name in COMMANDS:
        command_options = options(name)
        words = [spelling for option in command_options for spelling in option.names]
        only = "; only=1" if _positional(name) else ""
        cases.append(f"        {name}) words={_quoted(' '.join([*words, *_positional(name)]))}{only} ;;")
        for option in command_options:
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
    commands = "\n".join(f"    {_quoted(f'{name}:{line}')}" for name, line in COMMANDS.items())
    cases = []
    for name in COMMANDS:
        arguments = [_zsh_option(option) for option in options(name)]
        words = " ".join(_positional(name))
        arguments.append(_quoted(f"*:word:({words})" if words else "*:file:_files"))
        lines = " \\\n".join(f"        {argument}" for argument in arguments)
        cases.append(f"    {name})\n      _arguments -s \\\n{lines}\n      ;;")
    return _ZSH.format(commands=commands, names=" ".join(COMMANDS), cases="\n".join(cases))


def _zsh_option(option: Option) -> str:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
    value = ""
    if option.takes_value:
        value = f":value:({' '.join(option.choices)})" if option.choices else ":value: "
    if len(option.names) == 1:
        return _quoted(f"{option.names[0]}[{text}]{value}")
    return f"{{{','.join(option.names)}}}{_quoted(f'[{text}]{value}')}"


def _fish() -> str:
    lines = ["complete -c hilt -e"]
    no_command = _quoted("not __fish_seen_subcommand_from " + " ".join(COMMANDS))
    lines += [
        f"complete -c hilt -n {no_command} -f -a {name} -d {_quoted(line)}" for name, line in COMMANDS.items()
    ]
    for name in COMMANDS:
        condition = _quoted(f"__fish_seen_subcommand_from {name}")
        if words := _positional(name):
            lines.append(f"complete -c hilt -n {condition} -f -a {_quoted(' '.join(words))}")
        for option in options(name):
            spellings = " ".join(
                f"-l {spelling[2:]}" if spelling.startswith("--") else f"-s {spelling[1:]}"
                for spelling in option.names
            )
            value = f" -x -a {_quoted(' '.join(option.choices))}" if option.takes_value else ""
            lines.append(f"complete -c hilt -n {condition} {spellings}{value} -d {_quoted(option.help)}")
    return "\n".join(lines) + "\n"


def _positional(command: str) -> tuple[str, ...]:
    """Return the words that may follow a command; empty if they are file names."""
    if command == "docs":
        return tuple(topics())
    return tuple(_SHELLS) if command == "completion" else ()


def _quoted(text: str) -> str:
    """Return text as one word in single quotes, for any shell."""
    return "'" + text.replace("'", "'\\''") + "'"


_SHELLS: dict[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
_INSTALL_HELP = """\
bash:  eval "$(hilt completion bash)"              in ~/.bashrc
zsh:   hilt completion zsh > "${fpath[1]}/_hilt"
fish:  hilt completion fish > ~/.config/fish/completions/hilt.fish
"""
_BASH = """\
# Completes the words of hilt in bash; printed by `hilt completion bash`.
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
# Completes the words of hilt in zsh; printed by `hilt completion zsh`.
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
