#!/usr/bin/env bash
# Images of what the product needs beside it, where no registry of images is reached: nats-server, a server that speaks
# MongoDB's protocol (mongo-java-server, in memory), and the pause container. `node scripts/run.mjs ready` and `npm test`
# bring the first two. usage: stand-ins.sh [pause] [nats] [mongo]
set -euo pipefail
. "$(dirname "$0")/common.sh"
base=localhost/will-base:26

built() { # image, and the Dockerfile on standard input; the context is $context
  podman build --quiet --network host --tag "localhost/$1" --file - "$context" >/dev/null
}

for name in "$@"; do
  context=$(mktemp -d)
  case $name in
  pause)
    cp "$bin/pause" "$context/"
    printf 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n' | built pause:1 ;;
  nats)
    cp "$root/.cache/nats/nats-server" "$context/"
    # The official image has wget, by which compose.yaml looks whether it is well.
    cat > "$context/wget" <<'W'
#!/bin/sh
for url; do :; done
exec node -e "fetch('$url').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"
W
    chmod 755 "$context/wget"
    printf 'FROM %s\nCOPY nats-server wget /usr/local/bin/\nENTRYPOINT ["nats-server"]\n' $base | built nats:2.15.1 ;;
  mongo)
    jars=$root/.cache/mongodb/jars
    cp -r "$jars" "$context/jars"
    javac -cp "$jars/*" -d "$context/classes" "$root/scripts/mongodb/JavaServer.java"
    jlink --add-modules java.base,java.naming,java.management,jdk.unsupported --strip-debug --no-header-files --no-man-pages --output "$context/java"
    # In place of mongosh: it is asked whether the replica set has a primary.
    printf '#!/bin/sh\n(exec 3<>/dev/tcp/127.0.0.1/27017) && echo 1\n' | sed 's/bin.sh/bin\/bash/' > "$context/mongosh"
    # The server ends with its standard input.
    printf '#!/bin/sh\ntail -f /dev/null | exec /java/bin/java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "/jars/*:/classes" JavaServer 0.0.0.0 27017\n' > "$context/mongod"
    chmod 755 "$context/mongosh" "$context/mongod"
    printf 'FROM %s\nCOPY java /java\nCOPY jars /jars\nCOPY classes /classes\nCOPY mongod mongosh /usr/local/bin/\nENTRYPOINT ["mongod"]\n' $base | built mongo:8 ;;
  esac
  rm -rf "$context"
done
