package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/skewatch/skewatch/cmd/internal/config"
	"github.com/skewatch/skewatch/storage"
)

// atMostOneArgument refuses a second argument that is no flag.
func atMostOneArgument(cmd *cobra.Command, args []string) error {
	if len(args) < 2 {
		return nil
	}
	return &config.Error{Field: cmd.CommandPath(), Problem: "takes one argument at most", Value: args[1], Hint: helpHint(cmd)}
}

// verifyReport holds a report against the note that signs it, by the keys of the file that
// is named, or of the data directory.
func (p *program) verifyReport(r *reading, v *verifying, path string) error {
	_, place, err := p.whom(r)
	if err != nil {
		return err
	}
	keys, err := storage.ReadKeys(cmp.Or(v.keys, filepath.Join(cmp.Or(place.Data, place.Default), "signing.pub")))
	if err != nil {
		return &config.Error{Field: "--keys", Problem: "can't be read: " + err.Error(), Value: v.keys,
			Hint: "name a copy of signing.pub, which lies with the collector's data"}
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return failure{err}
	}
	signed, err := os.ReadFile(cmp.Or(v.note, path+".note"))
	if err != nil {
		return failure{err}
	}
	receipt, err := storage.CheckReport(body, signed, keys)
	if err != nil {
		return failure{fmt.Errorf("%s: %w", path, err)}
	}
	fmt.Fprintf(p.stdout, "%s is as %s signed it, after message %d (%d records, root %s)\n", path, receipt.Signer, receipt.Last, receipt.Records, receipt.Root)
	return nil
}
