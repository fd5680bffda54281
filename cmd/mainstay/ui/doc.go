// Package ui draws tables and short texts for people: columns that fit a width,
// colour only where it is wanted, in place on a terminal. Whatever it is given, it
// writes nothing that a terminal would obey but what it made itself.
//
// It must not know what it draws.
package ui
