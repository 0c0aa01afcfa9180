package storage

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReceipt(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	report := []byte("host,verdict\nweb1,in-sync\n")
	signed, err := s.SignReport(report)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ReadKeys(filepath.Join(dir, publicKeyName))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := CheckReport(report, signed, keys); err != nil || r.Signer == "" {
		t.Errorf("CheckReport = %+v, %v", r, err)
	}
	if _, err := CheckReport(bytes.ToUpper(report), signed, keys); !errors.Is(err, ErrOtherReport) {
		t.Errorf("a report that was changed: %v, want %v", err, ErrOtherReport)
	}
	if _, err := CheckReport(report, bytes.Replace(signed, []byte("last message 0"), []byte("last message 1"), 1), keys); err == nil {
		t.Error("a receipt that was changed is believed")
	}
	other := mustOpen(t, t.TempDir(), Options{})
	if foreign, err := other.SignReport(report); err != nil {
		t.Error(err)
	} else if _, err := CheckReport(report, foreign, keys); err == nil {
		t.Error("a receipt by another key is believed")
	}
	head, err := head{last: 7}.sign(s.signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CheckReport(report, head, keys); !errors.Is(err, ErrReceipt) {
		t.Errorf("a signed head: %v, want %v", err, ErrReceipt)
	}
}

// A store that is only read signs by the key that lies there, and makes none.
func TestReceiptOfFiles(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpen(t, dir, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.SignReport(nil); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, secretKeyName)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignReport(nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a key: %v, want %v", err, os.ErrNotExist)
	}
}
