package storage

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// straceOptions have everything recorded that changes a file or makes it durable, with
// all data; a question mark stands before what not every architecture has.
func straceOptions(trace string) []string {
	calls := "write,pwrite64,ftruncate,fallocate,fsync,fdatasync,openat,renameat,unlinkat,mkdirat,execve," +
		// Of these readTrace wants none.
		"?open,?creat,?rename,renameat2,?unlink,?mkdir,?rmdir,?link,linkat,?symlink,symlinkat,truncate," +
		"writev,pwritev,pwritev2,copy_file_range,sendfile,splice,msync,sync_file_range"
	return []string{"-f", "-y", "-qq", "-xx", "-s", strconv.Itoa(1 << 24), "--seccomp-bpf", "-e", "signal=none", "-e", "trace=" + calls, "-o", trace}
}

func findStrace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err == nil {
		err = exec.Command(path, "-qq", "-o", os.DevNull, "true").Run()
	}
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("strace: %v; CI must have it: make deps installs it", err)
	}
	t.Skipf("strace: %v: make deps installs it", err)
	return ""
}

// A recording is what a process did to the files in a directory, and what it promised
// meanwhile. The time of all is the line of the trace.
type recording struct {
	changes  []change // in the order in which they ended
	syncs    []fileSync
	promises []promiseMade
	ends     map[string][]int // the lines with the ends of calls, or promises, by kind
	first    int              // line that changes anything
	lines    int

	directory string
	inodes    map[string]int      // by path below the directory
	underWay  map[string]*sysCall // by thread
}

type promiseMade struct {
	word     string
	sequence uint64
	at       int
}

// promised returns the newest sequence that was promised before a line.
func (r *recording) promised(word string, cut int) (sequence uint64) {
	for _, p := range r.promises {
		if p.word == word && p.at < cut {
			sequence = max(sequence, p.sequence)
		}
	}
	return sequence
}

// before describes the latest of what ended before a line.
func (r *recording) before(cut int) (what string) {
	latest := -1
	for kind, ends := range r.ends {
		for _, end := range ends {
			if end < cut && end > latest {
				latest, what = end, fmt.Sprintf("%s on line %d", kind, end)
			}
		}
	}
	return what
}

func readTrace(trace, directory string) (*recording, error) {
	r := &recording{
		ends:      map[string][]int{},
		directory: directory,
		inodes:    map[string]int{"": top},
		underWay:  map[string]*sysCall{},
	}
	for line := range strings.Lines(trace) {
		if err := r.readLine(line); err != nil {
			return nil, fmt.Errorf("line %d of the trace, %.200s: %w", r.lines, line, err)
		}
		r.lines++
	}
	return r, nil
}

// readLine reads a line of the trace: a system call, its beginning or its end.
func (r *recording) readLine(line string) error {
	thread, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	text = strings.TrimSpace(text)
	begun, unfinished := strings.CutSuffix(text, "<unfinished ...>")
	switch {
	case strings.HasPrefix(text, "+++"):
		return nil
	case strings.HasPrefix(text, "<..."):
		c := r.underWay[thread]
		delete(r.underWay, thread)
		if c == nil || !strings.HasPrefix(text, "<... "+c.name+" ") {
			if strings.HasPrefix(text, "<... execve ") {
				return nil // the thread has another number since
			}
			return fmt.Errorf("no such call is under way")
		}
		return r.end(c, text)
	}
	c, err := r.begin(begun)
	if err != nil || c == nil {
		return err
	}
	if unfinished {
		r.underWay[thread] = c
		return nil
	}
	return r.end(c, text)
}

// A sysCall is a system call that has begun.
type sysCall struct {
	name    string
	start   int
	file    string   // of the descriptor that is its first argument
	strings []string // among its arguments
	rest    string   // of the arguments, behind the first string or descriptor
}

func (r *recording) begin(text string) (*sysCall, error) {
	name, arguments, _ := strings.Cut(text, "(")
	c := &sysCall{name: name, start: r.lines}
	descriptor, more, ok := strings.Cut(arguments, "<")
	if path, rest, found := strings.Cut(more, ">"); ok && found && !strings.Contains(descriptor, `"`) {
		c.file, c.rest = unescape(path), rest
	}
	for i, part := range strings.Split(arguments, `"`) {
		if i%2 == 1 {
			c.strings = append(c.strings, unescape(part))
		} else if i > 0 {
			c.rest = part
		}
	}
	if name == "write" && descriptor == "1" {
		return c, r.notePromise(c.strings[0])
	}
	return c, nil
}

// unescape reads a string in which every byte is escaped.
func unescape(s string) string {
	b, _ := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	return string(b)
}

// notePromise takes a promise as given when it is begun to be printed.
func (r *recording) notePromise(line string) error {
	p := promiseMade{at: r.lines}
	if _, err := fmt.Sscan(line, &p.word, &p.sequence); err != nil {
		return fmt.Errorf("promise %q: %w", line, err)
	}
	r.promises = append(r.promises, p)
	r.ends[p.word] = append(r.ends[p.word], r.lines)
	return nil
}

// below returns a path below the directory.
func (r *recording) below(path string) (string, bool) {
	if path == r.directory {
		return "", true
	}
	return strings.CutPrefix(path, r.directory+"/")
}

// end takes a call into the recording that concerns the directory and went well.
func (r *recording) end(c *sysCall, text string) error {
	var result int64
	if _, err := fmt.Sscan(text[strings.LastIndex(text, "= ")+2:], &result); err != nil || result < 0 {
		return nil
	}
	path := c.file
	if strings.HasSuffix(c.name, "at") || path == "" && len(c.strings) > 0 {
		path = c.strings[0]
	}
	path, ok := r.below(path)
	if !ok {
		return nil
	}
	switch c.name {
	case "openat", "mkdirat", "unlinkat", "renameat":
		return r.endNaming(c, path)
	case "pwrite64", "ftruncate", "fallocate", "fsync", "fdatasync":
		return r.endWriting(c, path, result)
	}
	return fmt.Errorf("%s isn't recorded", c.name)
}

func (r *recording) note(c *sysCall, path string, made change) {
	made.call, made.path, made.start, made.end = c.name, path, c.start, r.lines
	if len(r.changes) == 0 {
		r.first = c.start
	}
	r.changes = append(r.changes, made)
	r.ends[c.name] = append(r.ends[c.name], r.lines)
}

func (r *recording) endNaming(c *sysCall, path string) error {
	parent, name := filepath.Split(path)
	inode, found := r.inodes[path]
	made := change{inode: r.inodes[strings.TrimSuffix(parent, "/")], name: name, child: inode}
	switch c.name {
	case "openat":
		if strings.Contains(c.rest, "O_TRUNC") {
			return fmt.Errorf("O_TRUNC isn't recorded")
		}
		if found || !strings.Contains(c.rest, "O_CREAT") {
			return nil
		}
		made.child = r.newInode(path)
	case "mkdirat":
		made.child = r.newInode(path)
	case "unlinkat":
		delete(r.inodes, path)
	case "renameat":
		newPath, ok := r.below(c.strings[1])
		newParent, newName := filepath.Split(newPath)
		if !ok || newParent != parent {
			return fmt.Errorf("a new directory isn't recorded")
		}
		made.newName = newName
		delete(r.inodes, path)
		r.inodes[newPath] = inode
	}
	r.note(c, path, made)
	return nil
}

func (r *recording) newInode(path string) int {
	n := 1
	for _, c := range r.changes {
		n = max(n, c.child+1)
	}
	r.inodes[path] = n
	return n
}

func (r *recording) endWriting(c *sysCall, path string, result int64) error {
	inode, ok := r.inodes[path]
	if !ok {
		return fmt.Errorf("no file has that name")
	}
	var numbers []int64
	arguments, _, _ := strings.Cut(c.rest, ")")
	for word := range strings.FieldsFuncSeq(arguments, isSeparator) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	switch c.name {
	case "fsync", "fdatasync":
		r.syncs = append(r.syncs, fileSync{c.name, c.start, r.lines, inode})
		r.ends[c.name] = append(r.ends[c.name], r.lines)
	case "pwrite64":
		if len(numbers) != 2 || len(c.strings[0]) != int(numbers[0]) {
			return fmt.Errorf("the trace has %d bytes of a write, and the numbers %d", len(c.strings[0]), numbers)
		}
		r.note(c, path, change{inode: inode, at: numbers[1], data: []byte(c.strings[0])[:result]})
	case "ftruncate":
		r.note(c, path, change{inode: inode, at: numbers[0]})
	case "fallocate":
		if numbers[0] != 0 {
			return fmt.Errorf("fallocate with mode %d isn't recorded", numbers[0])
		}
		r.note(c, path, change{inode: inode, at: numbers[1] + numbers[2]})
	}
	return nil
}

func isSeparator(c rune) bool { return c == ',' || c == ' ' }
