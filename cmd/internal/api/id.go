package api

import (
	"crypto/sha256"
	"encoding/hex"
)

// id makes of an originator's key what may stand anywhere: in a page, in a URL.
func id(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:6])
}
