//go:build !unix

package config

// writable reports whether this process may create files in dir. Systems without
// a /var/lib have no such directory.
func writable(string) bool { return false }
