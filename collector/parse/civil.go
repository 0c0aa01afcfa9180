package parse

const (
	nanosPerSecond = 1_000_000_000
	nanosPerDay    = 86_400 * nanosPerSecond
)

// The whole years whose every nanosecond, in any zone, an int64 of nanoseconds
// since 1970 can hold.
const (
	firstYear = 1678
	lastYear  = 2261
)

// daysBefore[m] is how many days of a common year lie before month m.
var daysBefore = [...]int{1: 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

// isDate reports whether the calendar has such a day, in a year that nanoseconds
// since 1970 can hold.
func isDate(year, month, day int) bool {
	return firstYear <= year && year <= lastYear &&
		1 <= month && month <= 12 &&
		1 <= day && day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	if month == 2 && isLeap(year) {
		return 29
	}
	return daysBefore[month+1] - daysBefore[month]
}

func isLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// daysSince1970 counts the days from 1970-01-01 to a date of the Gregorian
// calendar; negative before it. The date must exist.
func daysSince1970(year, month, day int) int {
	days := daysToYear(year) - daysToYear(1970) + daysBefore[month] + day - 1
	if month > 2 && isLeap(year) {
		days++
	}
	return days
}

// daysToYear counts the days from 0001-01-01 to the first of January of a year
// after it: 365 for each year gone, and its leap days.
func daysToYear(year int) int {
	gone := year - 1
	return gone*365 + gone/4 - gone/100 + gone/400
}
