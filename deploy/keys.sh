#!/bin/sh
# Makes every certificate, key and password of a cluster below DIR: `keys.sh DIR`.
#
#   DIR/ca          the authority and the master key: whoever has them is everybody; only this script needs them
#   DIR/<service>   what that service mounts as its tls.dir: ca.pem, <service>.pem and .key, rpc.key, and
#                   jwt.key, db-password, s3-access-key, s3-secret-key where it needs them
#   DIR/<server>    the same for mariadb, etcd, s3 and zipkin
#
# Safe to run again, and meant to be: secrets stay, certificates (30 days) are issued anew. Services notice
# within a second. HOSTS (space-separated) adds names and addresses to the servers' certificates.
set -eu
umask 077

dir=${1:?where to: keys.sh DIR}
services="gateway user feed video like comment follow message media"
# Who may sign in where; the rest never sees the password.
with_database="user feed video like comment follow message media"
with_objects="gateway video media"
hosts=${HOSTS:-}

# secret FILE BYTES: a random one in hexadecimal digits, unless it is there.
secret() {
    [ -s "$1" ] && return
    od -An -v -N"$2" -tx1 /dev/urandom | tr -d ' \n' >"$1.new"
    mv "$1.new" "$1"
}

# issue NAME HOST…: certificate and key into DIR/NAME, complete before they take the old ones' places.
issue() {
    name=$1
    shift
    new=$dir/.new
    rm -rf "$new"
    mkdir -p "$new" "$dir/$name"
    words=""
    for host in "$@"; do words="$words --host $host"; done
    # shellcheck disable=SC2086 # Words are meant to be split.
    dytt cert issue "$name" --dir "$dir/ca" --out "$new" $words
    cp "$dir/ca/ca.pem" "$new/ca.pem"
    if [ -e "$dir/ca/crl.pem" ]; then cp "$dir/ca/crl.pem" "$new/crl.pem"; fi
}

# place NAME OWNER: what is in DIR/.new gets its owner, then its place; the certificate last.
place() {
    if [ "$(id -u)" = 0 ]; then
        chown -R "$2" "$new" "$dir/$1"
    fi
    for file in "$new"/*; do
        case $file in *"/$1.pem") ;; *) mv -f "$file" "$dir/$1/" ;; esac
    done
    mv -f "$new/$1.pem" "$dir/$1/"
    rm -rf "$new"
}

mkdir -p "$dir/ca"
[ -e "$dir/ca/ca.pem" ] || dytt cert init --dir "$dir/ca"
[ -s "$dir/ca/rpc.key" ] || dytt cert rpc-key --out "$dir/ca/rpc.key"
secret "$dir/ca/jwt.key" 32
secret "$dir/ca/db-password" 24
secret "$dir/ca/s3-access-key" 10
secret "$dir/ca/s3-secret-key" 32

for service in $services; do
    issue "$service"
    if [ "$service" = gateway ]; then
        cp "$dir/ca/rpc.key" "$dir/ca/jwt.key" "$new/"
    else
        dytt cert rpc-key --from "$dir/ca/rpc.key" --service "$service" --out "$new/rpc.key"
    fi
    case " $with_database " in *" $service "*) cp "$dir/ca/db-password" "$new/" ;; esac
    case " $with_objects " in *" $service "*) cp "$dir/ca/s3-access-key" "$dir/ca/s3-secret-key" "$new/" ;; esac
    place "$service" 10001:10001
done

# The owners are the users these servers' images run as.
for server in mariadb etcd s3 zipkin; do
    # shellcheck disable=SC2086 # Words are meant to be split.
    issue "$server" "$server" localhost 127.0.0.1 $hosts
    owner=0:0
    case $server in
        mariadb)
            cp "$dir/ca/db-password" "$new/"
            owner=999:999
            ;;
        s3)
            # Each server has its own names for the same things: SeaweedFS reads s3.json, MinIO the others.
            access=$(cat "$dir/ca/s3-access-key")
            key=$(cat "$dir/ca/s3-secret-key")
            printf '{"identities":[{"name":"dytt","credentials":[{"accessKey":"%s","secretKey":"%s"}],' \
                "$access" "$key" >"$new/s3.json"
            printf '"actions":["Admin:dytt","Read:dytt","Write:dytt","List:dytt","Tagging:dytt"]}]}\n' \
                >>"$new/s3.json"
            cp "$dir/ca/s3-access-key" "$dir/ca/s3-secret-key" "$new/"
            mkdir -p "$dir/s3/minio/CAs"
            cp "$new/s3.key" "$dir/s3/minio/private.key.new"
            cp "$new/s3.pem" "$dir/s3/minio/public.crt.new"
            mv "$dir/s3/minio/private.key.new" "$dir/s3/minio/private.key"
            mv "$dir/s3/minio/public.crt.new" "$dir/s3/minio/public.crt"
            ;;
        zipkin)
            # Java wants both in one file, with a password.
            secret "$dir/ca/keystore-password" 16
            cp "$dir/ca/keystore-password" "$new/"
            openssl pkcs12 -export -name zipkin -in "$new/zipkin.pem" -inkey "$new/zipkin.key" \
                -passout "file:$new/keystore-password" -out "$new/zipkin.p12"
            owner=10001:10001
            ;;
    esac
    place "$server" "$owner"
done
