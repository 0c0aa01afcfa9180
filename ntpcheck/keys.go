package ntpcheck

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/beevik/ntp"
)

// keyTypes are the kinds of keys that are supported, by their names in chrony.keys,
// and how many octets a key may have. Longer ones would be cut short without a word
// and never fit.
var keyTypes = map[string]struct {
	auth        ntp.AuthType
	least, most int
}{
	"MD5":    {ntp.AuthMD5, 4, 32},
	"SHA1":   {ntp.AuthSHA1, 4, 32},
	"SHA256": {ntp.AuthSHA256, 4, 32},
	"SHA512": {ntp.AuthSHA512, 4, 32},
	"AES128": {ntp.AuthAES128, 16, 16}, // CMAC, RFC 8573
	"AES256": {ntp.AuthAES256, 32, 32},
}

const keyLineHint = "write ID TYPE KEY, such as \"7 AES128 HEX:8E2C…\" with TYPE one of MD5, SHA1, SHA256, SHA512, AES128 and AES256"

// readKeys reads a file in the format of chrony.keys: on each line a number, the
// key's type (MD5 if left out), and the key as "HEX:…", "ASCII:…" or plain text.
func readKeys(path string) (map[uint32]ntp.AuthOptions, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &ConfigError{"ntp-keys", "can't be read: " + pathless(err), path, "name a file that this process may read"}
	}
	defer file.Close()
	keys := make(map[uint32]ntp.AuthOptions)
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.ContainsAny(words[0][:1], "#%;!") {
			continue
		}
		key, problem := parseKey(words)
		if _, twice := keys[key.KeyID]; twice && problem == "" {
			problem = fmt.Sprintf("key %d is there twice", key.KeyID)
		}
		if problem != "" {
			return nil, &ConfigError{"ntp-keys", fmt.Sprintf("line %d: %s", n, problem), path, keyLineHint}
		}
		keys[key.KeyID] = key
	}
	if err := lines.Err(); err != nil {
		return nil, &ConfigError{"ntp-keys", "can't be read: " + pathless(err), path, "name a file of lines: ID TYPE KEY"}
	}
	return keys, nil
}

// parseKey never repeats the key itself: what it says may be logged.
func parseKey(words []string) (key ntp.AuthOptions, problem string) {
	if len(words) == 2 {
		words = []string{words[0], "MD5", words[1]}
	}
	if len(words) != 3 {
		return key, fmt.Sprintf("%d words, not number, type and key", len(words))
	}
	id, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil || id == 0 {
		return key, "the key's number is not one from 1 to 4294967295"
	}
	kind, known := keyTypes[strings.ToUpper(words[1])]
	if !known {
		return key, fmt.Sprintf("type %q is not supported", words[1])
	}
	secret, ok := parseSecret(words[2])
	if !ok {
		return key, "what follows HEX: is not hexadecimal"
	}
	if n := len(secret); n < kind.least || n > kind.most {
		return key, fmt.Sprintf("the key has %d octets, and %s takes %d to %d", n, strings.ToUpper(words[1]), kind.least, kind.most)
	}
	return ntp.AuthOptions{Type: kind.auth, KeyID: uint32(id), Key: "HEX:" + hex.EncodeToString(secret)}, ""
}

func parseSecret(word string) (secret []byte, ok bool) {
	if digits, isHex := strings.CutPrefix(word, "HEX:"); isHex {
		secret, err := hex.DecodeString(digits)
		return secret, err == nil
	}
	return []byte(strings.TrimPrefix(word, "ASCII:")), true
}

// keysFor returns the keys that the servers name, all of which must be there.
func keysFor(servers []Server, path string) (map[uint32]ntp.AuthOptions, error) {
	if path == "" {
		return nil, missingKey(servers, nil, path)
	}
	keys, err := readKeys(path)
	if err != nil {
		return nil, err
	}
	return keys, missingKey(servers, keys, path)
}

func missingKey(servers []Server, keys map[uint32]ntp.AuthOptions, path string) error {
	for i, s := range servers {
		if _, have := keys[s.Key]; s.Key == 0 || have {
			continue
		}
		field, value := fmt.Sprintf("ntp-server[%d]", i), fmt.Sprintf("%s key %d", s.host, s.Key)
		if path == "" {
			return &ConfigError{field, "names a key, but there is no file of keys", value, "name the file with --ntp-keys"}
		}
		return &ConfigError{field, "names a key that is not in " + path, value, fmt.Sprintf("add a line: %d TYPE KEY", s.Key)}
	}
	return nil
}

// ReadableByAll says that everybody on this machine can read a file, which keys
// must not be.
func ReadableByAll(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().Perm()&0o004 != 0
}
