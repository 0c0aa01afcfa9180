// Package house holds the tests that keep the house in order: which package may
// import which, what stands at the top level, how long a file may grow. It has no
// code of its own.
package house
