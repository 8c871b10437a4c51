#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# kt-kernel-fetch git, git-head, git-status.
# tests/kernel-server is kernel.org here.
load lib.bash
load kernel-fetch.bash

# repo - a repository with a branch, a light and a full tag, and a commit on no branch: $MAIN $NEXT $LOST
repo() {
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org \
		GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
	git init -q -b main "$T/r"
	cp -a tests/standin-tree/. "$T/r"
	(
		cd "$T/r" || exit 1
		git add -A
		git commit -qm one
		git tag light
		git tag -a -m full v6.12
		git checkout -q -b sched_ext/for-next
		echo two >two
		git add two
		git commit -qm two
		git checkout -q --detach
		echo three >three
		git add three
		git commit -qm three
		git checkout -q main
		# A tag that is called like a branch: the branch is meant.
		git tag sched_ext/for-next main
	)
	MAIN=$(git -C "$T/r" rev-parse refs/heads/main)
	NEXT=$(git -C "$T/r" rev-parse refs/heads/sched_ext/for-next)
	LOST=$(git -C "$T/r" rev-parse "HEAD@{1}")
	git clone -q --mirror "$T/r" "$KSRV/git/linux.git"
	git -C "$KSRV/git/linux.git" fetch -q "$T/r" "$LOST" 2>/dev/null ||
		git -C "$T/r" push -q "$KSRV/git/linux.git" "$LOST:refs/hidden/x"
	git -C "$KSRV/git/linux.git" config transfer.hideRefs refs/hidden
	URL=$KURL/git/linux.git
}

@test "git-head: branches with slashes, tags down to their commit, full names and commits, without cloning" {
	repo
	local ref want
	while read -r ref want; do
		run -0 --separate-stderr "$F" git-head "$URL" --ref "$ref"
		valid ref
		[ "$(get '.[0] | .ref + " " + .commit')" = "$ref $want" ]
	done <<-END
		main $MAIN
		sched_ext/for-next $NEXT
		light $MAIN
		v6.12 $MAIN
		refs/tags/v6.12 $MAIN
		refs/tags/sched_ext/for-next $MAIN
		refs/heads/sched_ext/for-next $NEXT
		HEAD $MAIN
		$NEXT $NEXT
		$LOST $LOST
	END
	run -1 --separate-stderr "$F" git-head "$URL" --ref for-next
	[[ $stderr == *"has no branch or tag 'for-next'"* ]]
	run -1 --separate-stderr "$F" git-head "$URL" --ref "${MAIN:0:12}"
	run -1 --separate-stderr "$F" git-head "$KURL/git/none.git" --ref main
	[[ $stderr == *"404"* ]]
	[ "$(requests git-upload-pack\$)" = 0 ]	# nothing was ever fetched
}

@test "git: a branch, a tag and a commit are checked out, with their commit in the record" {
	repo
	local ref want
	while read -r ref want; do
		run -0 --separate-stderr "$F" git "$URL" --ref "$ref" --into "$T/src"
		valid source
		[ "$(get '.[0] | [.kind, .ref, .commit, .url, .dir] | join(" ")')" = "git $ref $want $URL $T/src/linux" ]
		[ "$(git -C "$T/src/linux" rev-parse HEAD)" = "$want" ]
		[ -z "$(git -C "$T/src/linux" status --porcelain)" ]
		diff -r --exclude .git --exclude two tests/standin-tree "$T/src/linux"
		[ "$(ls -A "$T/src")" = linux ]
	done <<-END
		main $MAIN
		sched_ext/for-next $NEXT
		v6.12 $MAIN
		$NEXT $NEXT
	END
	[ "$(get '.[0].verified_by')" = commit ]	# the last was named by what it is
	[ "$(sed -n 's/^kt-kernel-fetch: \([a-z]*\) .*/\1/p' <<<"$stderr" | xargs)" = "getting checking" ]
	[ ! -e "$KTSTR_CACHE_DIR/downloads" ]
}

@test "git: a commit that is on no branch comes if the server gives it, else that is said" {
	repo
	run -1 --separate-stderr "$F" git "$URL" --ref "$LOST" --into "$T/src"
	[[ $stderr == *"does not give a commit by its number: getting all branches"* ]]
	[ -z "$output" ]
	nothing_left "$T/src"
	git -C "$KSRV/git/linux.git" config uploadpack.allowAnySHA1InWant true
	run -0 --separate-stderr "$F" git "$URL" --ref "$LOST" --into "$T/src"
	[ "$(get '.[0].commit')" = "$LOST" ]
	[ "$(cat "$T/src/linux/three")" = three ]
}

@test "git: a repository of this machine, by path and by URL" {
	repo
	local url
	for url in "file://$T/r" "$T/r"; do
		run -0 --separate-stderr "$F" git "$url" --ref sched_ext/for-next --into "$T/src"
		[ "$(get '.[0] | .commit + " " + .url')" = "$NEXT $url" ]
	done
	cd "$T"
	run -0 --separate-stderr "$F" git-head r --ref v6.12
	[ "$(get '.[0].url')" = "$T/r" ]
}

@test "git: a server that fails is tried again, one that says nothing is left in time, and no clone remains" {
	repo
	faults '/git/* 503 1'
	run -0 --separate-stderr "$F" git "$URL" --ref main --into "$T/src"
	[[ $stderr == *"503; trying again in 1s"* ]]
	rm -r "$T/src"
	faults '*/git-upload-pack silent'
	local start=$SECONDS
	KTSTR_NET_STALL=500ms run -1 --separate-stderr "$F" git "$URL" --ref main --into "$T/src"
	[ $((SECONDS - start)) -lt 15 ]
	[[ $stderr == *"the git server has sent nothing for too long"* ]]
	[ -z "$output" ]
	nothing_left "$T/src"
	faults '/git/* html'
	run -1 --separate-stderr "$F" git "$URL" --ref main --into "$T/src"
	nothing_left "$T/src"
	faults '*/git-upload-pack silent'
	local pid i
	"$F" git "$URL" --ref main --into "$T/src" >"$T/out" 2>"$T/err" &
	pid=$!
	for i in $(seq 500); do
		grep -q 'POST .*git-upload-pack 0' "$KSRV/log" && break
		read -rt 0.02 <>"$KSRV/never" || true
	done
	kill -INT $pid
	wait $pid && return 1
	nothing_left "$T/src"
}

@test "git-status: the commit of a tree, and whether a tracked file was changed; a tree that merely lies in a repository has none" {
	repo
	status() {
		run -0 --separate-stderr "$F" git-status "$1"
		valid tree >/dev/null
		get '.[0] | [.git, .commit, .dirty] | map(tostring) | join(" ")'
	}
	[ "$(status "$T/r")" = "true $MAIN false" ]
	[ "$(status "$T/r/scripts")" = "true $MAIN false" ]
	echo new >"$T/r/untracked"
	[ "$(status "$T/r")" = "true $MAIN false" ]
	git -C "$T/r" add untracked
	[ "$(status "$T/r")" = "true $MAIN true" ]
	git -C "$T/r" rm -q --cached untracked
	echo more >>"$T/r/Kconfig"
	[ "$(status "$T/r")" = "true $MAIN true" ]
	[ "$(status "$T/r/scripts")" = "true $MAIN false" ]
	git -C "$T/r" checkout -q .
	touch -d '1 hour ago' "$T/r/Kconfig"	# another time, the same contents
	[ "$(status "$T/r")" = "true $MAIN false" ]
	chmod +x "$T/r/Kconfig"
	[ "$(status "$T/r")" = "true $MAIN true" ]
	chmod -x "$T/r/Kconfig"
	rm "$T/r/Kconfig"
	[ "$(status "$T/r")" = "true $MAIN true" ]
	git -C "$T/r" checkout -q .
	git -C "$T/r" worktree add -q "$T/wt" sched_ext/for-next
	[ "$(status "$T/wt")" = "true $NEXT false" ]
	mkdir "$T/r/unpacked"
	cp -a tests/standin-tree/. "$T/r/unpacked"
	[ "$(status "$T/r/unpacked")" = "false null null" ]
	git init -q "$T/empty"
	[ "$(status "$T/empty")" = "false null null" ]
	[ "$(status "$T")" = "false null null" ]
	run -1 --separate-stderr "$F" git-status "$T/absent"
	[ -z "$output" ]
}
