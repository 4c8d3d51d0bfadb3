#!/bin/sh
# Two people share a file through the objects API, with curl and nothing else: one makes a bucket, uploads a document and
# lets the other read it; the other downloads it byte for byte; the right is taken back, and the next download is refused.
#
#   BASE_URL            where the server is                          (default http://127.0.0.1:8080)
#   OWNER, OWNER_PASSWORD, READER, READER_PASSWORD                   two accounts of the server, made beforehand:
#       echo 'a long password' | commonhold user add owner@example.org --name Owner --password-stdin
#   DOCUMENT            the file to share                            (default README.md or LICENSE of this project)
set -eu

base=${BASE_URL:-http://127.0.0.1:8080}
api=$base/api/v1
owner=${OWNER:-owner@example.org}
reader=${READER:-reader@example.org}
: "${OWNER_PASSWORD:?the password of $owner}" "${READER_PASSWORD:?the password of $reader}"

root=$(dirname "$0")/..
document=${DOCUMENT:-$root/README.md}
[ -f "$document" ] || document=$root/LICENSE

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*" >&2
    cat "$work/answer" >&2
    exit 1
}

# call STATUS CURL-ARGUMENTS...: the answer's body goes to $work/answer; another status ends the story.
call() {
    wanted=$1
    shift
    status=$(curl --silent --show-error --noproxy '*' --output "$work/answer" --write-out '%{http_code}' "$@")
    [ "$status" = "$wanted" ] || fail "expected $wanted, got $status"
}

# field NAME: the text of this name in the answer.
field() {
    sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/answer"
}

# sign_in ADDRESS PASSWORD: prints an access token. The password goes through a file, so no process list shows it.
sign_in() {
    printf '{"email":"%s","password":"%s"}' "$1" "$2" >"$work/sign-in"
    call 200 -X POST "$base/oauth/sign-in" -H 'Content-Type: application/json' --data-binary "@$work/sign-in"
    rm "$work/sign-in"
    field access_token
}

as_owner="Authorization: Bearer $(sign_in "$owner" "$OWNER_PASSWORD")"
as_reader="Authorization: Bearer $(sign_in "$reader" "$READER_PASSWORD")"
echo "Signed in: $owner and $reader."

call 201 -X PUT "$api/bucket" -H "$as_owner" -H 'Content-Type: application/json' --data '{"bucketName":"Letters"}'
bucket=$(field bucketId)
echo "$owner made the bucket \"Letters\" ($bucket)."

call 200 -X PUT "$api/object?bucketId=$bucket" -H "$as_owner" --data-binary "@$document" -H 'Content-Type: text/plain' \
    -H "Content-Disposition: attachment; filename=\"$(basename "$document")\""
object=$(field id)
echo "$owner uploaded $(basename "$document"), $(wc -c <"$document" | tr -d ' ') bytes ($object)."

call 403 "$api/object/$object?download=proxy" -H "$as_reader"
echo "$reader cannot open it: 403."

call 200 --get "$api/user" --data-urlencode "email=$reader" -H "$as_owner"
person=$(field userId)
[ -n "$person" ] || fail "nobody has the address $reader"
echo "$owner found $reader ($person)."

call 201 -X PUT "$api/permission/object/$object" -H "$as_owner" -H 'Content-Type: application/json' \
    --data "[{\"userId\":\"$person\",\"permCode\":\"READ\"}]"
echo "$owner let $reader READ it."

call 200 "$api/object/$object?download=proxy" -H "$as_reader"
cmp "$document" "$work/answer" || fail "the download is not the upload"
echo "$reader downloaded it: the same, byte for byte."

call 200 -X DELETE "$api/permission/object/$object?userId=$person&permCode=READ" -H "$as_owner"
echo "$owner took the right back."

call 403 "$api/object/$object?download=proxy" -H "$as_reader"
echo "$reader cannot open it any more: 403."
