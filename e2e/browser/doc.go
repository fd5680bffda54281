// Package browser drives a real Chromium for tests of the web page: tabs with a
// profile of their own, in which a test reads, clicks and types as a person does, checks
// of accessibility by axe-core, and pictures. Its own tests tell the story of the page on
// a demo deployment, with real agents and real git.
//
// It knows addresses and what is on a screen, and nothing of what makes the page.
// Everything but this comment is behind the build tag e2e: e2e/install.sh brings
// Chromium and axe-core.
package browser
