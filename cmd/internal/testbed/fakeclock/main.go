//go:build linux && amd64

// Command fakeclock runs a program whose clock is wrong:
//
//	fakeclock FILE PROGRAM [ARGUMENT ...]
//
// What the program reads of CLOCK_REALTIME is as many seconds ahead as FILE says at that
// moment, so that a write to FILE sets the program's clock. It reaches every program,
// Go's too: the kernel's own clock, and what it stamps packets with, stay as they are. It
// needs no privileges.
//
// The program is traced. A filter stops it at the calls that read the clock, which are
// answered here, and it doesn't find the page by which they are read without a call.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inside is the first argument of this program within the traced process.
const inside = "-inside"

func main() {
	if len(os.Args) < 3 {
		fail(fmt.Errorf("usage: fakeclock FILE PROGRAM [ARGUMENT ...]"))
	}
	if os.Args[1] == inside {
		fail(become(os.Args[2:]))
	}
	code, err := run(os.Args[1], os.Args[2:])
	if err != nil {
		fail(err)
	}
	os.Exit(code)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "fakeclock:", err)
	os.Exit(125)
}

// become filters this thread's calls and turns the process into the program.
func become(command []string) error {
	runtime.LockOSThread()
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	if err := filter(); err != nil {
		return err
	}
	return syscall.Exec(path, command, os.Environ())
}

// filter hands those calls to the tracer that read the clock (seccomp_data: nr at 0, the
// low half of the first argument at 16).
func filter() error {
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		give  = unix.BPF_RET | unix.BPF_K
	)
	program := []unix.SockFilter{
		{Code: load, K: 0},
		{Code: equal, K: unix.SYS_GETTIMEOFDAY, Jt: 4},
		{Code: equal, K: unix.SYS_CLOCK_GETTIME, Jf: 2},
		{Code: load, K: 16},
		{Code: equal, K: unix.CLOCK_REALTIME, Jt: 1},
		{Code: give, K: unix.SECCOMP_RET_ALLOW},
		{Code: give, K: unix.SECCOMP_RET_TRACE},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl: %w", err)
	}
	sock := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&sock)), 0, 0); err != nil {
		return fmt.Errorf("seccomp: %w", err)
	}
	return nil
}

const traceOptions = unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_EXITKILL

// run runs the program and returns its exit code.
func run(file string, command []string) (int, error) {
	runtime.LockOSThread() // a thread is the tracer, not a process
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, append([]string{inside}, command...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	child := cmd.Process.Pid
	passOn(child)
	var status unix.WaitStatus
	if _, err := unix.Wait4(child, &status, 0, nil); err != nil { // it stops as it begins
		return 0, err
	}
	if err := unix.PtraceSetOptions(child, traceOptions); err != nil {
		return 0, err
	}
	if err := unix.PtraceCont(child, 0); err != nil {
		return 0, err
	}
	return trace(child, file)
}

// passOn hands on the signals that end a program.
func passOn(child int) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := range signals {
			_ = syscall.Kill(child, s.(syscall.Signal)) // it may have ended
		}
	}()
}

// trace follows all threads of the program until it ends, and returns its exit code.
func trace(child int, file string) (int, error) {
	for {
		var status unix.WaitStatus
		thread, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case status.Stopped():
			_ = unix.PtraceCont(thread, answer(thread, status, file)) // it may have been killed
		case thread == child && status.Exited():
			return status.ExitStatus(), nil
		case thread == child && status.Signaled():
			return 128 + int(status.Signal()), nil
		}
	}
}

// answer does what a stopped thread waits for, and returns the signal that it is to get.
func answer(thread int, status unix.WaitStatus, file string) (sig int) {
	switch stopped := status.StopSignal(); {
	case stopped == unix.SIGTRAP && status.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
		tell(thread, file)
	case stopped == unix.SIGTRAP && status.TrapCause() == unix.PTRACE_EVENT_EXEC:
		hide(thread)
	case stopped != unix.SIGTRAP && stopped != unix.SIGSTOP:
		return int(stopped)
	}
	return 0
}

// tell answers a thread that asks for the time, in place of the kernel.
func tell(thread int, file string) {
	var r unix.PtraceRegs
	if unix.PtraceGetRegs(thread, &r) != nil {
		return
	}
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &now) != nil {
		return
	}
	now = unix.NsecToTimespec(now.Nano() + ahead(file))
	to, fraction := r.Rsi, now.Nsec
	if r.Orig_rax == unix.SYS_GETTIMEOFDAY {
		to, fraction = r.Rdi, now.Nsec/1000
	}
	answer := [2]int64{now.Sec, fraction}
	if to != 0 {
		if _, err := unix.PtracePokeData(thread, uintptr(to), unsafe.Slice((*byte)(unsafe.Pointer(&answer)), 16)); err != nil {
			return
		}
	}
	r.Orig_rax, r.Rax = ^uint64(0), 0 // the call is left out, and has succeeded
	_ = unix.PtraceSetRegs(thread, &r)
}

// ahead returns what the file says, in nanoseconds; 0 if it can't be read.
func ahead(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	var seconds float64
	if _, err := fmt.Sscan(string(text), &seconds); err != nil {
		return 0
	}
	return int64(seconds * 1e9)
}

// hide takes the vDSO from a program that begins: the auxiliary vector (getauxval(3)) lies
// behind arguments and environment on the stack.
func hide(thread int) {
	const sysinfoEHDR, ignore = 33, 1
	var r unix.PtraceRegs
	if unix.PtraceGetRegs(thread, &r) != nil {
		return
	}
	at := uintptr(r.Rsp) + 8*uintptr(peek(thread, uintptr(r.Rsp))+2)
	for peek(thread, at) != 0 {
		at += 8
	}
	for at += 8; peek(thread, at) != 0; at += 16 {
		if peek(thread, at) == sysinfoEHDR {
			kind := uint64(ignore)
			_, _ = unix.PtracePokeData(thread, at, unsafe.Slice((*byte)(unsafe.Pointer(&kind)), 8))
		}
	}
}

// peek returns a word of a thread's memory, 0 if there is none.
func peek(thread int, at uintptr) (word uint64) {
	_, _ = unix.PtracePeekData(thread, at, unsafe.Slice((*byte)(unsafe.Pointer(&word)), 8))
	return word
}
