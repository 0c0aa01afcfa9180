package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/skewatch/skewatch/collector/tlsauth/tlstest"
)

func TestReadCAs(t *testing.T) {
	authority := tlstest.NewAuthority(t)
	pool, err := ReadCAs("ca", authority.File)
	if err != nil || !pool.Equal(authority.Pool(t)) {
		t.Errorf("ReadCAs of an authority's file: %v", err)
	}
	directory := t.TempDir()
	junk := filepath.Join(directory, "junk.pem")
	if err := os.WriteFile(junk, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(directory, "none.pem")
	for path, want := range map[string]string{none: "can't be read: no such file or directory", junk: "holds no certificate"} {
		_, err := ReadCAs("ca", path)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Field != "ca" || wrong.Problem != want || wrong.Value != path || wrong.Hint == "" {
			t.Errorf("ReadCAs(%q): %v, want an error of ca that says %q, with a hint", path, err, want)
		}
	}
}
