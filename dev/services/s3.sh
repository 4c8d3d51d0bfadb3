#!/bin/bash
# A real S3 server: Ceph's RADOS gateway over one monitor and one OSD, as plain processes. It checks signatures, keeps
# users apart and has versions, delete markers, tags, multipart uploads and presigned addresses. Path style, us-east-1.
#
# Where Debian's Ceph 16 differs from S3:
#   - uploads with a checksum trailer of unknown length (STREAMING-UNSIGNED-PAYLOAD-TRAILER) are refused with 400
#   - `If-None-Match: *` on PUT is silently ignored in a bucket with versions; `If-Match` takes the ETag without quotes
#   - the answer to CompleteMultipartUpload has an empty ETag; that and CopyObject ignore conditions
#
#   CEPH_STORE   bluestore (default: a sparse file) or memstore (RAM, lost at stop)
#   CEPH_SIZE    size of that store in bytes (default 20 GiB; memstore 6 GiB)
#
# More commands:
#   gateway-down, gateway-up      connections are refused; all is back
#   pause, resume                 the gateway hangs: connections open, no answer comes; it goes on
#   storage-pause, storage-resume the storage behind the gateway hangs: reads and writes wait; they go on
#   user NAME KEY SECRET          one more user
#   admin ARGUMENT...             radosgw-admin
NAME=s3
MORE='gateway-down|gateway-up|pause|resume|storage-pause|storage-resume|user NAME KEY SECRET|admin ARGUMENT...'
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
STORE=${CEPH_STORE:-bluestore}
KEY=testaccesskey SECRET=testsecretkey0123456789
KEY_2=otheraccesskey SECRET_2=othersecretkey0123456789
CLUSTER_ID=2f6a1b2c-61f4-4d0c-9b1a-7b3c0d5e8f10 OSD_ID=b1c7b9de-3a52-4f77-8d55-0c9e6f4a2d11

service_port() { echo $((BASE + PORT_S3)); }
cluster() { ceph -c "$STATE/ceph.conf" --connect-timeout 20 "$@"; }
admin() { radosgw-admin -c "$STATE/ceph.conf" "$@"; }
service_running() { alive "$STATE/monitor.pid" && alive "$STATE/osd.pid" && alive "$STATE/gateway.pid" && port_open "$(service_port)"; }

write_configuration() {
  local size=${CEPH_SIZE:-} first=$((BASE + PORT_CEPH))
  if [ "$STORE" = memstore ]; then size=${size:-6442450944}; else size=${size:-21474836480}; fi
  cat >"$STATE/ceph.conf" <<END
[global]
fsid = $CLUSTER_ID
mon_initial_members = a
mon_host = v2:127.0.0.1:$first
ms_bind_msgr1 = false
ms_bind_port_min = $((first + 1))
ms_bind_port_max = $((first + PORTS_OF_CEPH - 1))
public_network = 127.0.0.0/8
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = $STATE/keyring
run_dir = $STATE/run
admin_socket = $STATE/run/\$name.asok
crash_dir = $STATE/crash
log_file = $STATE/\$name.log
err_to_stderr = false
mon_cluster_log_file = $STATE/cluster.log
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
osd_crush_chooseleaf_type = 0
mon_warn_on_pool_no_redundancy = false
mon_data_avail_warn = 2
mon_data_avail_crit = 1
[mon.a]
mon_data = $STATE/monitor
[osd]
keyring = $STATE/osd/keyring
osd_data = $STATE/osd
osd_objectstore = $STORE
osd_memory_target = 939524096
osd_op_num_shards = 2
bluestore_block_size = $size
bluestore_block_wal_create = false
bluestore_block_db_create = false
memstore_device_bytes = $size
osd_class_update_on_start = false
bdev_enable_discard = false
[client.gateway]
rgw_data = $STATE/gateway
# Without tcp_nodelay a small GET takes 44 ms instead of 1.4 ms.
rgw_frontends = beast endpoint=127.0.0.1:$(service_port) tcp_nodelay=1
rgw_thread_pool_size = 64
rgw_dynamic_resharding = false
rgw_override_bucket_index_max_shards = 1
rgw_gc_obj_min_wait = 30
rgw_gc_processor_period = 30
rgw_enable_usage_log = false
END
}

make_cluster() {
  local keyring=$STATE/keyring all=(--cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *')
  mkdir -p "$STATE/monitor" \
    && ceph-authtool --create-keyring "$keyring" --gen-key -n mon. --cap mon 'allow *' \
    && ceph-authtool "$keyring" --gen-key -n client.admin "${all[@]}" \
    && ceph-authtool "$keyring" --gen-key -n client.gateway "${all[@]}" \
    && monmaptool --create --clobber --fsid "$CLUSTER_ID" --addv a "[v2:127.0.0.1:$((BASE + PORT_CEPH))]" "$STATE/monmap" \
    && ceph-mon -c "$STATE/ceph.conf" -i a --mkfs --monmap "$STATE/monmap" --keyring "$keyring"
}
make_osd() {
  mkdir -p "$STATE/osd" \
    && cluster osd new "$OSD_ID" \
    && cluster auth get-or-create osd.0 mon 'allow profile osd' mgr 'allow profile osd' osd 'allow *' -o "$STATE/osd/keyring" \
    && ceph-osd -c "$STATE/ceph.conf" -i 0 --mkfs --osd-uuid "$OSD_ID"
}
make_users() {
  admin user create --uid=test --display-name=Test --access-key=$KEY --secret=$SECRET \
    && admin user create --uid=other --display-name=Other --access-key=$KEY_2 --secret=$SECRET_2
}
# once STEP: run the function unless it finished in an earlier start.
once() { [ -e "$STATE/done/$1" ] || { "$1" >>"$STATE/set-up.log" 2>&1 || die "$1 failed: $STATE/set-up.log"; touch "$STATE/done/$1"; }; }

osd_is_up() { cluster osd stat | grep -q '1 up'; }
start_gateway() {
  launch "$STATE/gateway.pid" "$STATE/gateway.out" radosgw -c "$STATE/ceph.conf" -n client.gateway -f
  wait_for 120 "the gateway" http_ok "$(service_port)" /
}

service_start() {
  need has_commands radosgw ceph-mon ceph-osd ceph ceph-authtool monmaptool -- radosgw ceph-mon ceph-osd ceph-common
  service_stop
  need_port "$(service_port)"
  need_port $((BASE + PORT_CEPH))
  # The monitor knows its own address and the OSD its kind of store, and RAM was lost: such data starts anew. So does a
  # set-up that was interrupted.
  local made_for="$STORE $BASE"
  if [ "$STORE" = memstore ] || [ "$(cat "$STATE/made-for" 2>/dev/null)" != "$made_for" ] || [ ! -e "$STATE/done/make_users" ]; then rm -rf "${STATE:?}"; fi
  mkdir -p "$STATE"/{run,crash,gateway,done}
  echo "$made_for" >"$STATE/made-for"
  write_configuration
  once make_cluster
  launch "$STATE/monitor.pid" "$STATE/monitor.out" ceph-mon -c "$STATE/ceph.conf" -i a -f
  wait_for 60 "the monitor" cluster -s
  once make_osd
  launch "$STATE/osd.pid" "$STATE/osd.out" ceph-osd -c "$STATE/ceph.conf" -i 0 -f
  wait_for 60 "the OSD" osd_is_up
  start_gateway
  once make_users
}
service_stop() {
  # The OSD answers to TERM only when it is not suspended: end_process wakes it up first.
  end_process "$STATE/gateway.pid"; end_process "$STATE/osd.pid" 30; end_process "$STATE/monitor.pid"
}
service_more() {
  case $1 in
    gateway-down) end_process "$STATE/gateway.pid" 10;;
    gateway-up) alive "$STATE/gateway.pid" || start_gateway;;
    pause) signal STOP "$STATE/gateway.pid";;
    resume) signal CONT "$STATE/gateway.pid";;
    storage-pause) signal STOP "$STATE/osd.pid";;
    storage-resume) signal CONT "$STATE/osd.pid";;
    user) [ $# = 4 ] || usage; admin user create --uid="$2" --display-name="$2" --access-key="$3" --secret="$4" >/dev/null;;
    admin) shift; admin "$@";;
    *) usage;;
  esac
}
service_env() {
  cat <<END
export S3_ENDPOINT=http://127.0.0.1:$(service_port)
export S3_REGION=us-east-1
export S3_ACCESS_KEY=$KEY
export S3_SECRET_KEY=$SECRET
export S3_ACCESS_KEY_2=$KEY_2
export S3_SECRET_KEY_2=$SECRET_2
END
}
main "$@"
