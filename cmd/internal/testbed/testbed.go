// Package testbed starts real programs for end-to-end tests: rsyslogd hosts whose
// clocks lie by a known amount, and the built skewatch binary. Everything runs on
// loopback, and is stopped when the test ends.
package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// need returns the path of an installed program. Where it is missing the test is
// skipped, and fails in CI, where a skipped test would pass for a passed one.
func need(t testing.TB, program, debianPackage string) string {
	t.Helper()
	for _, name := range []string{program, filepath.Join("/usr/sbin", program)} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lack(t, program, debianPackage)
	return ""
}

// needFaketime returns the path of the library that makes a program's clock lie.
func needFaketime(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{
		"/usr/lib/*/faketime/libfaketimeMT.so.1",
		"/usr/lib*/faketime/libfaketimeMT.so.1",
	} {
		if paths, _ := filepath.Glob(pattern); len(paths) > 0 {
			return paths[0]
		}
	}
	lack(t, "libfaketimeMT.so.1", "faketime")
	return ""
}

// needOmrelp makes sure that rsyslogd can send over RELP.
func needOmrelp(t testing.TB) {
	t.Helper()
	needRsyslogModule(t, "omrelp", "rsyslog-relp")
}

// needRsyslogModule makes sure that rsyslogd has a module that comes in a package of its
// own.
func needRsyslogModule(t testing.TB, module, debianPackage string) {
	t.Helper()
	for _, folder := range []string{"/usr/lib/*/rsyslog", "/usr/lib*/rsyslog"} {
		if paths, _ := filepath.Glob(filepath.Join(folder, module+".so")); len(paths) > 0 {
			return
		}
	}
	lack(t, module+".so", debianPackage)
}

func lack(t testing.TB, what, debianPackage string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("testbed: %s is missing, and CI must have it: make deps installs the package %s", what, debianPackage)
	}
	t.Skipf("testbed: %s is missing: make deps installs the package %s", what, debianPackage)
}
