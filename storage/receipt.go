package storage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Receipt is what a signed note says of a report: that the one who has the key made it,
// when the Merkle log was at a head.
type Receipt struct {
	Signer  string // the key's name
	Records int64  // in the Merkle log
	Root    string // of these, in base64
	Last    uint64 // Sequence of the newest message in them
}

// ErrReceipt is returned for a note that isn't the receipt of a report.
var ErrReceipt = errors.New("it isn't the receipt of a report")

// ErrOtherReport is returned when the receipt is of another report, or of this one before
// it was changed.
var ErrOtherReport = errors.New("the report isn't the one that was signed")

const receiptTitle = "skewatch report"

// SignReport returns a signed note (golang.org/x/mod/sumdb/note) over a report that was
// made from the store.
func (s *Store) SignReport(report []byte) ([]byte, error) {
	signer := s.signer
	if signer == nil { // only read
		secret, err := os.ReadFile(filepath.Join(s.directory, secretKeyName))
		if err != nil {
			return nil, fmt.Errorf("storage: sign a report: %w", err)
		}
		if signer, err = note.NewSigner(strings.TrimSpace(string(secret))); err != nil {
			return nil, fmt.Errorf("storage: sign a report: %s: %w", secretKeyName, err)
		}
	}
	s.mu.Lock()
	h, last := s.history, s.blocksTo
	s.mu.Unlock()
	var size int64
	var root tlog.Hash
	if h != nil {
		var err error
		if root, err = h.root(); err != nil {
			return nil, fmt.Errorf("storage: sign a report: %w", err)
		}
		size = h.size
	}
	sum := sha256.Sum256(report)
	return note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%s\nsha256 %s\n%d\n%s\n%s%d\n", signer.Name(), receiptTitle,
		hex.EncodeToString(sum[:]), size, base64.StdEncoding.EncodeToString(root[:]), lastLine, last)}, signer)
}

// CheckReport holds a report against its receipt.
func CheckReport(report, signed []byte, keys note.Verifiers) (r Receipt, err error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		return r, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 6 || lines[0] != n.Sigs[0].Name || lines[1] != receiptTitle || !strings.HasPrefix(lines[5], lastLine) {
		return r, ErrReceipt
	}
	r = Receipt{Signer: lines[0], Root: lines[4]}
	var failed [2]error
	r.Records, failed[0] = strconv.ParseInt(lines[3], 10, 64)
	r.Last, failed[1] = strconv.ParseUint(lines[5][len(lastLine):], 10, 64)
	if errors.Join(failed[:]...) != nil {
		return r, ErrReceipt
	}
	if sum := sha256.Sum256(report); lines[2] != "sha256 "+hex.EncodeToString(sum[:]) {
		return r, ErrOtherReport
	}
	return r, nil
}
