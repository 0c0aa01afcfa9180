// Package ntpcheck measures our own clock against NTP servers and says whether
// it may judge other clocks, and by how much it is off.
//
// A [Monitor] asks several servers, keeps the best of each one's recent replies
// (RFC 5905, section 10), lets the majority decide who tells the truth (section
// 11.2.1) and combines those into one [Reference].
//
// Servers may prove that their replies are their own, by a symmetric key or by NTS
// (RFC 8915); one that is to prove it and doesn't is never used in plain. What looks
// like an attack is a [Notice].
//
// All offsets here have the sign of RFC 5905: they are what must be added to our
// clock to get true time. That is the opposite of a host's offset elsewhere in
// this module, which is positive when the host is ahead.
package ntpcheck
