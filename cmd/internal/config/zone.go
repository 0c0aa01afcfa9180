package config

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a zone name means the same on every machine, with or without a zone database
)

// A Zone is a time zone as the user named it. The zero Zone stands for none.
type Zone struct {
	name     string
	location *time.Location
}

// IsZero reports whether z is the zero Zone, which stands for none.
func (z Zone) IsZero() bool { return z.location == nil }

// Location returns the zone's rules, nil for the zero Zone.
func (z Zone) Location() *time.Location { return z.location }

// String returns the zone's IANA name, or its offset as +HH:MM.
func (z Zone) String() string { return z.name }

var zone = kind[Zone]{parseZone, Zone.String}

// parseZone reads a zone written as an offset east of UTC ("+02:00", "-0530") or
// by its IANA name ("UTC", "Europe/Paris").
func parseZone(text string) (Zone, *fault) {
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		return fixedZone(text)
	}
	location, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return Zone{}, &fault{problem: "not a time zone", hint: `write "UTC", an offset such as "+02:00", or an IANA name such as "Europe/Paris"`}
	}
	return Zone{text, location}, nil
}

// fixedZone reads an offset. UTC-12:00 and UTC+14:00 are the outermost that
// exist.
func fixedZone(text string) (Zone, *fault) {
	t, err := time.Parse("-07:00", text)
	if err != nil {
		t, err = time.Parse("-0700", text)
	}
	if err != nil {
		return Zone{}, &fault{problem: "not an offset from UTC", hint: `write it as "+02:00" or "-0530"`}
	}
	_, east := t.Zone()
	if east < -12*3600 || east > 14*3600 {
		return Zone{}, &fault{problem: "no zone is that far from UTC", hint: "write an offset from -12:00 to +14:00"}
	}
	return FixedZone(time.Duration(east) * time.Second), nil
}

// FixedZone returns the zone that always lies so far east of UTC.
func FixedZone(east time.Duration) Zone {
	name := formatOffset(int(east / time.Second))
	return Zone{name, time.FixedZone(name, int(east/time.Second))}
}

func formatOffset(east int) string {
	sign := "+"
	if east < 0 {
		sign, east = "-", -east
	}
	return fmt.Sprintf("%s%02d:%02d", sign, east/3600, east/60%60)
}
