package storage

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A history is a Merkle tree (RFC 6962) whose records are the manifests of all rounds ever
// sealed. Of its hashes it keeps those that its root is made of: one for each bit of its
// size. That is enough to go on with, whatever has become of the files behind it.
type history struct {
	size   int64
	hashes map[int64]tlog.Hash // by tlog.StoredHashIndex
}

// ReadHashes is how package tlog asks for hashes.
func (h *history) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hash, ok := h.hashes[index]
		if !ok {
			return nil, fmt.Errorf("storage: hash %d isn't kept", index)
		}
		all[i] = hash
	}
	return all, nil
}

// with returns the history with one more record.
func (h *history) with(record []byte) (*history, error) {
	added, err := tlog.StoredHashes(h.size, record, h)
	if err != nil {
		return nil, err
	}
	next := &history{size: h.size + 1, hashes: maps.Clone(h.hashes)}
	if next.hashes == nil {
		next.hashes = make(map[int64]tlog.Hash)
	}
	for i, hash := range added {
		next.hashes[tlog.StoredHashIndex(0, h.size)+int64(i)] = hash
	}
	wanted := make(map[int64]tlog.Hash)
	for _, index := range edge(next.size) {
		wanted[index] = next.hashes[index]
	}
	next.hashes = wanted
	return next, nil
}

// edge returns the places of the hashes that the root of a tree is made of, from left to
// right: those of the largest whole trees in it.
func edge(size int64) (indexes []int64) {
	for level := bits.Len64(uint64(size)) - 1; level >= 0; level-- {
		if n := size >> level; n&1 == 1 {
			indexes = append(indexes, tlog.StoredHashIndex(level, n-1))
		}
	}
	return indexes
}

// root returns the root's hash; that of no record is the zero hash's place-holder.
func (h *history) root() (tlog.Hash, error) {
	if h.size == 0 {
		return tlog.Hash{}, nil
	}
	return tlog.TreeHash(h.size, h)
}

// encode writes the size and the hashes of the edge, as text lines.
func (h *history) encode() []byte {
	b := strconv.AppendInt(nil, h.size, 10)
	for _, index := range edge(h.size) {
		b = append(append(b, '\n'), h.hashes[index].String()...)
	}
	return b
}

var errHistory = errors.New("the segment's place in the Merkle log can't be decoded")

func decodeHistory(b []byte) (*history, error) {
	lines := strings.Split(string(b), "\n")
	size, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil || size < 0 {
		return nil, errHistory
	}
	indexes := edge(size)
	if len(lines) != 1+len(indexes) {
		return nil, errHistory
	}
	h := &history{size: size, hashes: make(map[int64]tlog.Hash)}
	for i, index := range indexes {
		if h.hashes[index], err = tlog.ParseHash(lines[1+i]); err != nil {
			return nil, errHistory
		}
	}
	return h, nil
}

// A head is a state of the Merkle log that was signed: a checkpoint as transparency logs
// have them (c2sp.org/tlog-checkpoint).
type head struct {
	size int64     // records
	root tlog.Hash // of these
	last uint64    // Sequence of the newest message in them
}

const lastLine = "last message "

// sign returns the head as a signed note.
func (h head) sign(s note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n%s%d\n",
		s.Name(), h.size, base64.StdEncoding.EncodeToString(h.root[:]), lastLine, h.last)}, s)
}

var errHead = errors.New("it isn't a head of the Merkle log")

// openHead returns what a signed note says, if one of the keys signed it.
func openHead(signed []byte, keys note.Verifiers) (h head, err error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		return h, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != n.Sigs[0].Name || !strings.HasPrefix(lines[3], lastLine) {
		return h, errHead
	}
	var failed [3]error
	h.size, failed[0] = strconv.ParseInt(lines[1], 10, 64)
	h.root, failed[1] = tlog.ParseHash(lines[2])
	h.last, failed[2] = strconv.ParseUint(lines[3][len(lastLine):], 10, 64)
	if errors.Join(failed[:]...) != nil {
		return h, errHead
	}
	return h, nil
}
