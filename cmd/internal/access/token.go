package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// A digest stands for a secret of 256 random bits. Such a secret can't be guessed, so that a
// fast hash does.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// newSecret returns 256 random bits as text.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenPrefix begins every token, so that those who look for leaked secrets know one.
const tokenPrefix = "skewatch_"

const hashPrefix = "sha256:"

// NewToken returns a new token, and the line that lets it in.
func NewToken(name string, role Role) (token, line string, err error) {
	if problem := badName(name); problem != "" {
		return "", "", errors.New(problem)
	}
	token = tokenPrefix + newSecret()
	sum := digestOf(token)
	return token, fmt.Sprintf("%s %s %s%s", name, role, hashPrefix, hex.EncodeToString(sum[:])), nil
}

// badName returns what is wrong with the name of a user or token, "" if nothing is.
func badName(name string) string {
	unfit := func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' || r == '#' }
	switch {
	case name == "" || len(name) > 64 || strings.ContainsFunc(name, unfit):
		return "a name has 1 to 64 characters, and neither space nor colon nor #"
	case name == LocalName:
		return `"local" is the name of commands on the server itself`
	}
	return ""
}

// loadTokens reads the file of tokens: on each line a name, a role and a hash.
func (f Files) loadTokens(r *rules) error {
	text, err := os.ReadFile(f.Tokens)
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return &ConfigError{"web.tokens", "can't be read: " + err.Error(), f.Tokens, "check that the file is there and that this user may read it"}
	}
	r.tokens = map[digest]Caller{}
	names := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		sum, who, problem := parseToken(line)
		if problem == "" && names[who.Name] {
			problem = "the name stands in an earlier line too"
		}
		if problem != "" {
			return &ConfigError{"web.tokens", fmt.Sprintf("line %d: %s", number, problem), f.Tokens,
				"write it as `skewatch config token NAME --role read` prints it"}
		}
		r.tokens[sum], names[who.Name] = who, true
	}
	return nil
}

func parseToken(line string) (sum digest, who Caller, problem string) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return sum, who, "not a name, a role and a hash"
	}
	who = Caller{fields[0], Role(fields[1])}
	if problem := badName(who.Name); problem != "" {
		return sum, who, problem
	}
	if who.Role != Read && who.Role != Admin {
		return sum, who, "the role is neither read nor admin"
	}
	digits, ok := strings.CutPrefix(fields[2], hashPrefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(sum) {
		return sum, who, "the hash isn't sha256: and 64 hexadecimal digits"
	}
	return digest(b), who, ""
}
