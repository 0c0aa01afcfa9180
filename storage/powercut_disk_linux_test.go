package storage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// A change is what a system call did to the data of a file, or the names in a directory.
type change struct {
	call       string
	path       string
	start, end int
	inode      int // of the file or directory

	at   int64 // pwrite64; the new size for ftruncate and fallocate
	data []byte

	name, newName string // in the directory
	child         int    // which has that name
}

func (c change) String() string {
	return fmt.Sprintf("lines %d to %d: %s %s, %d bytes at %d %s", c.start, c.end, c.call, c.path, len(c.data), c.at, c.newName)
}

type fileSync struct {
	call       string // fsync or fdatasync
	start, end int
	inode      int
}

const top = 0 // the inode of the directory itself

// disk puts into a directory what may be on the disk when the power is cut right before
// a line of the trace. Of the changes that weren't synced it drops all, or those that
// chance has it drop. It returns what became of them.
func (r *recording) disk(directory string, cut int, chance *rand.Rand) (fates []string, err error) {
	err = r.replay(directory, cut, chance, func(c change) fateOf {
		if r.durable(c, cut) {
			return applied
		}
		fate := dropped
		if chance != nil {
			fate = fateOf(chance.IntN(3))
		}
		fates = append(fates, fmt.Sprintf("%v: %v", c, fate))
		return fate
	})
	return fates, err
}

// replay makes the changes that had begun before a line.
func (r *recording) replay(directory string, cut int, chance *rand.Rand, fate func(change) fateOf) error {
	d := disk{
		loose:  filepath.Join(directory, "loose"),
		names:  map[int]map[string]int{top: {}},
		chance: chance,
	}
	if err := os.Mkdir(d.loose, 0o700); err != nil {
		return err
	}
	for _, c := range r.changes {
		if c.start >= cut {
			continue
		}
		if err := d.apply(c, fate(c)); err != nil {
			return fmt.Errorf("%v: %w", c, err)
		}
	}
	if err := d.place(top, directory); err != nil {
		return err
	}
	return os.RemoveAll(d.loose)
}

// fateOf is what a power cut makes of a change.
type fateOf int

const (
	dropped fateOf = iota
	applied
	torn // some sectors of a write are there, others aren't; other changes are whole
)

func (f fateOf) String() string { return [...]string{"dropped", "applied", "torn"}[f] }

// durable reports whether a change survives a power cut: a sync began after the change
// had ended, and ended before the cut.
func (r *recording) durable(c change, cut int) bool {
	for _, s := range r.syncs {
		if s.inode == c.inode && s.start > c.end && s.end < cut && (s.call == "fsync" || c.call == "pwrite64") {
			return true
		}
	}
	return false
}

// A disk is files by their inodes, and apart from them the names in directories.
type disk struct {
	loose  string // the directory of files that have no name yet
	names  map[int]map[string]int
	chance *rand.Rand // for torn writes
}

func (d *disk) path(inode int) string { return filepath.Join(d.loose, strconv.Itoa(inode)) }

func (d *disk) apply(c change, f fateOf) error {
	if c.call == "mkdirat" && d.names[c.child] == nil {
		d.names[c.child] = map[string]int{}
	}
	if f == dropped {
		return nil
	}
	names := d.names[c.inode]
	switch c.call {
	case "pwrite64", "ftruncate", "fallocate":
		return d.resizeOrWrite(c, f)
	case "openat", "mkdirat":
		names[c.name] = c.child
	case "unlinkat":
		delete(names, c.name)
	case "renameat":
		delete(names, c.name)
		names[c.newName] = c.child
	}
	return nil
}

func (d *disk) resizeOrWrite(c change, f fateOf) error {
	file, err := os.OpenFile(d.path(c.inode), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	switch c.call {
	case "ftruncate":
		return file.Truncate(c.at)
	case "fallocate":
		info, err := file.Stat()
		if err != nil || info.Size() >= c.at {
			return err
		}
		return file.Truncate(c.at)
	}
	if f == applied {
		_, err = file.WriteAt(c.data, c.at)
		return err
	}
	const sector = 512
	for data, at := c.data, c.at; len(data) > 0; {
		n := min(len(data), int(sector-at%sector))
		if d.chance.IntN(2) == 0 {
			if _, err := file.WriteAt(data[:n], at); err != nil {
				return err
			}
		}
		data, at = data[n:], at+int64(n)
	}
	return nil
}

// place gives the files in a directory their names.
func (d *disk) place(inode int, directory string) error {
	for name, child := range d.names[inode] {
		path := filepath.Join(directory, name)
		if d.names[child] != nil {
			if err := os.Mkdir(path, 0o700); err != nil {
				return err
			}
			if err := d.place(child, path); err != nil {
				return err
			}
			continue
		}
		f, err := os.OpenFile(d.path(child), os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		f.Close()
		if err := os.Link(d.path(child), path); err != nil {
			return err
		}
	}
	return nil
}
