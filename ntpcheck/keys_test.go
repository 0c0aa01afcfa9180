package ntpcheck

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/ntp"
)

func writeKeys(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadKeys(t *testing.T) {
	keys, err := readKeys(writeKeys(t, `# by chronyc keygen
1 MD5 HEX:31323334
! another comment

20 sha1 ASCII:secret-secret
30 plainmd5key
4294967295 AES128 HEX:000102030405060708090A0B0C0D0E0F
`))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[uint32]ntp.AuthOptions{
		1:             {Type: ntp.AuthMD5, KeyID: 1, Key: "HEX:31323334"},
		20:            {Type: ntp.AuthSHA1, KeyID: 20, Key: "HEX:7365637265742d736563726574"},
		30:            {Type: ntp.AuthMD5, KeyID: 30, Key: "HEX:706c61696e6d64356b6579"},
		4_294_967_295: {Type: ntp.AuthAES128, KeyID: 4_294_967_295, Key: "HEX:000102030405060708090a0b0c0d0e0f"},
	} {
		if keys[id] != want {
			t.Errorf("key %d is %+v, want %+v", id, keys[id], want)
		}
	}
}

func TestReadKeysRefuses(t *testing.T) {
	for text, problem := range map[string]string{
		"1 MD5 HEX:31323\n":                       "line 1: what follows HEX: is not hexadecimal",
		"1 MD5 a b\n":                             "line 1: 4 words, not number, type and key",
		"\n0 MD5 secret":                          "line 2: the key's number is not one from 1 to 4294967295",
		"x MD5 secret":                            "line 1: the key's number is not one from 1 to 4294967295",
		"1 SHA3-256 HEX:00112233":                 `line 1: type "SHA3-256" is not supported`,
		"1 AES128 HEX:00112233":                   "line 1: the key has 4 octets, and AES128 takes 16 to 16",
		"1 SHA1 ASCII:" + strings.Repeat("x", 33): "line 1: the key has 33 octets, and SHA1 takes 4 to 32",
		"1 MD5 secret1\n1 MD5 secret2":            "line 2: key 1 is there twice",
	} {
		_, err := readKeys(writeKeys(t, text))
		var bad *ConfigError
		if !errors.As(err, &bad) || bad.Field != "ntp-keys" || bad.Problem != problem || bad.Hint == "" {
			t.Errorf("%q gives %v, want %s", text, err, problem)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells the key: %v", err)
		}
	}
}

func TestKeysThatAreNamedMustBeThere(t *testing.T) {
	file := writeKeys(t, "7 MD5 secret\n")
	for _, tt := range []struct {
		name, field string
		config      Config
	}{
		{"no file", "ntp-server[1]", Config{Servers: []string{"a", "b key 7"}}},
		{"no such key", "ntp-server[0]", Config{Servers: []string{"a key 8"}, KeyFile: file}},
		{"no such file", "ntp-keys", Config{Servers: []string{"a key 7"}, KeyFile: file + ".old"}},
		{"no such authority", "nts-ca", Config{Servers: []string{"a nts"}, NTSCA: file + ".pem"}},
		{"no certificate", "nts-ca", Config{Servers: []string{"a nts"}, NTSCA: file}},
		{"key and nts", "ntp-server[0]", Config{Servers: []string{"a nts key 7"}, KeyFile: file}},
		{"key without number", "ntp-server[0]", Config{Servers: []string{"a key"}, KeyFile: file}},
		{"unknown option", "ntp-server[0]", Config{Servers: []string{"a prefer"}}},
	} {
		_, err := New(tt.config)
		var bad *ConfigError
		if !errors.As(err, &bad) || bad.Field != tt.field || bad.Hint == "" {
			t.Errorf("%s: %v, want an error of %s with a remedy", tt.name, err, tt.field)
		}
	}
	if _, err := New(Config{Servers: []string{"a key 7"}, KeyFile: file}); err != nil {
		t.Errorf("the key is there: %v", err)
	}
	if ReadableByAll(file) {
		t.Error("a file of mode 600 is called readable by all")
	}
	if err := os.Chmod(file, 0o644); err != nil || !ReadableByAll(file) {
		t.Errorf("a file of mode 644 is not called readable by all (%v)", err)
	}
}
