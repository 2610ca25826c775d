#!/usr/bin/env bash
# The main job on real prompts, in a throw-away git repository made from prompts/. No key, no network, no model:
# nearest-example answers from the examples in the prompt, so that what a prompt says decides what it scores.
set -euo pipefail

registry=$(cd "$(dirname "$0")/../prompts" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
unset CI GITHUB_EVENT_NAME PROMPTREG_ROOT PROMPTREG_ENV PROMPTREG_OVERRIDE
export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.com GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.com

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s# %s%s\n' "$bold" "$1" "$plain"; }
run() {
  printf '$'
  for word in "$@"; do
    case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
  done
  printf '\n'
  "$@"
}

cd "$place"
git init -q -b main
cp -R "$registry" prompts
rm -rf prompts/.promptreg
git add -A
git commit -q -m "The prompts as they are"

say "What is there? A few-shot prompt that routes customers' messages, in English and Japanese."
run promptreg list

say "What did 1.1.0 change?"
run promptreg diff support/route-ticket@1.0.0 support/route-ticket@1.1.0 | head -n 24
echo "  … (and so on)"

say "Evaluate 1.1.0 once more: all stored runs are pooled, nobody picks the best."
run promptreg eval support/route-ticket@1.1.0

say "Staging has it. To production, through the gate:"
run promptreg promote support/route-ticket --to production
git add -A
git commit -q -m "Promote support/route-ticket 1.1.0"

say "Application code loads what production pins."
cat > app.py <<'PY'
import promptreg

prompt = promptreg.load("support/route-ticket")
call = prompt.render(message="荷物がまだ届きません")
print(prompt.spec, "from", prompt.environment)
print(len(call.messages), "messages, the last one:", call.messages[-1])
PY
run python app.py

say "A colleague shortens the prompt: the Japanese examples go."
python - <<'PY'
import re
from pathlib import Path

path = Path("prompts/support/route-ticket/prompt.md")
pair = re.compile(
    r'\{% message role="user" %\}(?:(?!\{% endmessage).)*?[ぁ-んァ-ヶ一-龠](?:(?!\{% endmessage).)*\{% endmessage %\}\n'
    r'\{% message role="assistant" %\}.*?\{% endmessage %\}\n',
    re.DOTALL,
)
text, removed = pair.subn("", path.read_text(encoding="utf-8"))
path.write_text(text, encoding="utf-8")
print(f"{removed} examples removed")
PY
status=0
run promptreg ship support/route-ticket --to production --bump minor -m "Shorter: English examples only" || status=$?
echo "(exit status $status: the gate refuses)"
test "$status" -eq 1
git add -A
git commit -q -m "Release support/route-ticket 1.2.0, which went nowhere"

say "Production still runs 1.1.0. And if that had been a mistake:"
run promptreg rollback support/route-ticket --in production
git add -A
git commit -q -m "Roll back support/route-ticket"

say "Who did what, when?"
run promptreg history support/route-ticket
