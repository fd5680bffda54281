// Package words holds every word of the web page in English and French, and writes
// dates and durations as each language does. It reads its texts when it is asked to,
// so that a program that shows no page keeps none of them.
//
// It must not know what a deployment is, nor of pages and requests beyond the header
// that names a browser's languages.
package words
