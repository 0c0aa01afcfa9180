package config

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
)

// Pathless returns what is wrong with a file without its name, for a text that names it.
func Pathless(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}

// Unreadable returns the error of a field whose file can't be read.
func Unreadable(field, path string, err error) *Error {
	return &Error{Field: field, Problem: "can't be read: " + Pathless(err).Error(), Value: path, Hint: "name a file that this user may read"}
}

// ReadCAs reads the certificates to trust that a field's file holds, in PEM. Its error is an
// *Error of that field.
func ReadCAs(field, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, Unreadable(field, path, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &Error{Field: field, Problem: "holds no certificate", Value: path, Hint: "give the file with the CA's certificate in PEM"}
	}
	return pool, nil
}
