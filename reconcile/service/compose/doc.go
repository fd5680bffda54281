// Package compose drives services that are services of a Docker Compose
// project.
//
// An Engine is the one connection of an agent to the Docker engine; a Service is
// one driver on it. What runs is observed by the labels that Compose puts on
// containers, over the Engine API, and its events wake the watchers. A start is
// Compose's own "up", which starts what the service depends on too and honours
// a changed file. A stop goes to the containers directly: it must work without
// the project's files and with either Compose program broken. It stops this
// service and nothing that it depends on, since that may serve others; what has
// to stop is a service of the document itself.
//
// The package knows nothing of roles, claims or the node's limits, and removes
// no container.
package compose
