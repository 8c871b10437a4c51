# SPDX-License-Identifier: GPL-2.0-or-later
# For kt-vm-topology.bats and its slow sister.

# topology_is SPEC - a guest of that topology has it, as kt-topo and lscpu see it there; it is continued, or with
# KTSTR_COLD booted
topology_is() {
	local t=$BATS_TEST_TMPDIR
	kt-vm exec --accel tcg -n -t "$1" --records -i lscpu -- \
		sh -c 'kt-topo --shape; lscpu -p=CPU,CORE,SOCKET,NODE,CACHE >&2' >"$t/records" 2>"$t/lscpu"
	grep -v -e '"tool":"kt-vm"' -e '^{"type":"vm"' "$t/records" >"$t/shape"
	diff -u <(kt-topo --spec "$1" --shape) "$t/shape"
	jq -se --arg cold "${KTSTR_COLD-}" '(.[0].template == null) == ($cold != "")' "$t/records" >/dev/null
	# CPU,CORE,SOCKET,NODE,,L1d,L1i,L2,L3 with one socket per node. Ids of caches have gaps in the kernel, so
	# only which CPUs share one is compared; how threads share L1 is up to the version of QEMU.
	diff -u <(kt-topo --spec "$1" --shape | jq -r 'select(.type == "cpu") |
		"\(.cpu),\(.core),\(.node),\(.node),\(.core),\(.llc)"') <(grep -v '^#' "$t/lscpu" | awk -F, -v OFS=, '
		{ for (i = 8; i <= 9; i++) { if (!((i, $i) in seen)) seen[i, $i] = n[i]++; $i = seen[i, $i] }
		  print $1, $2, $3, $4, $8, $9 }')
}
