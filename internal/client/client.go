// Package client has a running daemon verify a deployment, and follows it.
package client
