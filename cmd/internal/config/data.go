package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// DefaultData returns the data directory for those who name none:
// /var/lib/skewatch if this process can write there or can create it, else
// ./skewatch-data. It creates nothing.
func DefaultData() string {
	const system = "/var/lib/skewatch"
	_, err := os.Stat(system)
	if err == nil && writable(system) || errors.Is(err, fs.ErrNotExist) && writable(filepath.Dir(system)) {
		return system
	}
	return "skewatch-data"
}
