// Package service is the contract between the agent and whatever runs its
// services, and the Manager that drives them without ever blocking the agent.
//
// One Driver drives one service of one kind; the kinds are the packages below
// this one, and all pass the suite in servicetest. Package file is their
// sibling for rendered files. Nothing here knows of git, of claims or of the
// document as a whole, and nothing here decides: a driver is ordered to
// start or to stop, and returns what it sees. Whatever it did not see counts as unknown,
// which is never down (plan.Run).
package service
