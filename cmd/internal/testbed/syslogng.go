package testbed

import (
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// SyslogNG is a running syslog-ng, which sends what its host logs.
type SyslogNG struct {
	Host
	LogSocket string // where its programs log to, as to /dev/log

	process *process
	input   net.Conn
}

// StartSyslogNG starts a host's syslog-ng, which sends what the host logs to a
// destination until the test ends. The driver is one as in its configuration, such as
//
//	network(TARGET transport("udp"))
//
// in which TARGET stands for the target's address. The host's transport and format are
// not looked at.
func StartSyslogNG(t testing.TB, h Host, driver string) *SyslogNG {
	t.Helper()
	return startSyslogNG(t, h, t.TempDir(), h.destination(driver))
}

// destination returns the statements that send what comes from s_src to the host's
// target.
func (h Host) destination(driver string) string {
	host, port, _ := net.SplitHostPort(h.Target)
	return fmt.Sprintf(`destination d_test { %s; };
log { source(s_src); destination(d_test); };
`, strings.Replace(driver, "TARGET", fmt.Sprintf("%q port(%s)", host, port), 1))
}

// startSyslogNG starts a syslog-ng that does with the host's messages, the source
// s_src, what the statements of output say, and keeps its files in the directory.
func startSyslogNG(t testing.TB, h Host, directory, output string) *SyslogNG {
	t.Helper()
	s := &SyslogNG{Host: h, LogSocket: filepath.Join(directory, "log.sock")}
	cmd := syslogNGDaemon(t, directory, syslogNGSource(h.Name, s.LogSocket)+output)
	cmd.Env = append(cmd.Environ(), h.environment(t)...)
	s.process = startLogged(t, cmd, "syslog-ng of "+h.Name)
	await(t, s.process, "its input socket", func() bool {
		var err error
		s.input, err = net.Dial("unixgram", s.LogSocket)
		return err == nil
	})
	t.Cleanup(func() { s.input.Close() })
	return s
}

// syslogNGDaemon returns a command that runs syslog-ng in the foreground, with the
// configuration and all other files in the directory.
func syslogNGDaemon(t testing.TB, directory, config string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(directory, "syslog-ng.conf")
	write(t, path, config)
	return syslogNGCommand(t, "--foreground", "--stderr", "--no-caps",
		"--cfgfile", path,
		"--persist-file", filepath.Join(directory, "persist"),
		"--control", filepath.Join(directory, "ctl"),
		"--pidfile", filepath.Join(directory, "pid"))
}

// syslogNGOptions is how each configuration begins.
const syslogNGOptions = "@version: current\noptions { use-dns(no); };\n"

// syslogNGSource returns the part of a host's configuration that stands before its
// destinations, with the source's name as in Debian's configuration.
func syslogNGSource(name, socket string) string {
	return syslogNGOptions + fmt.Sprintf("source s_src { unix-dgram(%q host-override(%q)); };\n", socket, name)
}

// Log writes one message to the host's log socket, without a stamp: syslog-ng then
// stamps it.
func (s *SyslogNG) Log(tag, text string) error {
	if _, err := fmt.Fprintf(s.input, "<14>%s: %s", tag, text); err != nil {
		return fmt.Errorf("logging on %s: %w", s.Name, err)
	}
	return nil
}

// Stop stops the host's syslog-ng.
func (s *SyslogNG) Stop(t testing.TB) {
	t.Helper()
	s.process.terminate(t, "syslog-ng of "+s.Name)
}

// syslogNGCommand returns a command that runs syslog-ng: the unpacked one, which finds
// its libraries and modules by what it is told, or else the machine's own.
func syslogNGCommand(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	root, err := moduleFile("bin", "syslog-ng")
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	program := filepath.Join(root, "usr", "sbin", "syslog-ng")
	if _, err := os.Stat(filepath.Join(root, "complete")); err != nil {
		return exec.Command(need(t, "syslog-ng", "syslog-ng-core"), args...)
	}
	folders, err := libraryFolders(root)
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	path := strings.Join(folders, ":")
	cmd := exec.Command(program, append(args, "--module-path", path)...)
	cmd.Env = withEnvironment([]string{"LD_LIBRARY_PATH=" + path})
	return cmd
}

// libraryFolders returns the folders below root that hold shared libraries.
func libraryFolders(root string) ([]string, error) {
	folders := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.Contains(entry.Name(), ".so") {
			folders[filepath.Dir(path)] = true
		}
		return err
	})
	return slices.Sorted(maps.Keys(folders)), err
}
