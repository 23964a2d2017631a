# One call of the AWS CLI. Older ones ignore AWS_ENDPOINT_URL, so it is passed on.
call() {
  "${AWS:-aws}" "$@" --region "$region" ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"}
}

# A call whose answer nobody reads.
run() {
  call "$@" > "$scratch"
}

# A question: the answer is in $answer. False where the thing does not exist;
# any other refusal stops the script with the CLI's own words.
ask() {
  if answer=$(call "$@" 2> "$scratch"); then
    cat "$scratch" >&2
  elif grep -q ResourceNotFoundException "$scratch"; then
    answer=
    return 1
  else
    cat "$scratch" >&2
    exit 1
  fi
}

wait_active() { call lambda wait function-active-v2 --function-name "$name"; }
wait_updated() { call lambda wait function-updated-v2 --function-name "$name"; }

# Takes apart what a function answered, once it can be changed: an earlier run
# may have been interrupted while AWS was still busy.
settle() {
  case $answer in
    'Pending '*) wait_active ;;
    *' InProgress '*) wait_updated ;;
  esac
  configuration=${answer##* }
  case $answer in
    *' Failed '*) configuration=false ;; # what it says was not put into effect
  esac
  code=${answer% *}
  code=${code#* }
  code=${code#* }
}

begin() {
  name=$1
  outcome=unchanged
}

# Says what was done to $name.
say() {
  printf '%s %s %s\n' "$1" "$name" "$2"
  case $1 in
    +) outcome=created ;;
    *) if [ "$outcome" = unchanged ]; then outcome=updated; fi ;;
  esac
}

finish() {
  case $outcome in
    created) created=$((created + 1)) ;;
    updated) updated=$((updated + 1)) ;;
    unchanged)
      printf '= %s unchanged\n' "$name"
      unchanged=$((unchanged + 1))
      ;;
  esac
}

created=0
updated=0
unchanged=0
scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT
trap 'exit 130' HUP INT TERM
