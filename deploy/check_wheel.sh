#!/usr/bin/env bash
# Builds the wheel, installs it with the versions of the lock into an empty environment outside the
# checkout, and has it play a call from an empty folder. It needs pip's index, and half a minute of calm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-$PWD/.venv/bin/python}
[ -x "$python" ] || python=python3

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/source" "$folder/empty" "$folder/home"
# From a copy: setuptools leaves folders behind, and takes up what an earlier build left in them.
tar -c --exclude=__pycache__ LICENSE NOTICE README.md pyproject.toml .env.example bot pipelines client replay |
    tar -x -C "$folder/source"

"$python" -m pip wheel --quiet --no-deps --wheel-dir "$folder" "$folder/source"
wheel=$(echo "$folder"/halfsecond-*.whl)
echo "check_wheel: ${wheel##*/}, $(($(wc -c <"$wheel") / 1000)) kB"

"$python" -m venv "$folder/venv"
pip=("$folder/venv/bin/python" -m pip install --quiet --no-compile)
"${pip[@]}" --require-hashes -r requirements.lock
"${pip[@]}" --no-deps "$wheel"

cd "$folder/empty"
halfsecond=(env -i "PATH=$folder/venv/bin:/usr/bin:/bin" "HOME=$folder/home" halfsecond)
"${halfsecond[@]}" --version
"${halfsecond[@]}" doctor --call
"${halfsecond[@]}" replay smoke --fast --out "$folder/run" >/dev/null
for command in serve call 'llm bench' 'calls list' 'models list' 'phone check'; do
    read -ra words <<<"$command"
    "${halfsecond[@]}" "${words[@]}" --help >/dev/null
done
[ -z "$(ls -A)" ] || { echo "check_wheel: it left files in the folder: $(ls -A)" >&2; exit 1; }
echo "check_wheel: it is whole"
