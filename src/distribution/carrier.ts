// The carrier port: what the distribution layer needs from whatever moves bytes between two nodes (threads, memory, a
// broker, a socket). A carrier knows nodes by name and moves opaque frames; it knows no process, and no codec.
//
// What every carrier keeps, and test/distribution/carrier-contract.ts checks:
// - frames arrive whole, once, and in the order in which they were sent, up to the loss of the connection;
// - nothing arrives on the stack of `send`, `dial` or `close`, and nothing after `lost`;
// - both ends hear `lost` exactly once, whoever closed and for whatever reason; what was received before counts first.

/** One end of a connection between two nodes. */
export interface Connection {
  /** Whether it moves buffers beside a frame. Default false: then it is given none. */
  readonly moves?: boolean
  /**
   * Says who hears this end; called once. What came before is kept and told then, in order.
   */
  open(listener: ConnectionListener): void
  /**
   * Sends a frame. The bytes belong to the carrier from now on. No effect after the connection is lost; whether a frame
   * arrived is never told. `moved`: buffers that arrive with it, and are empty here as soon as they are under way.
   */
  send(frame: Uint8Array, moved?: readonly ArrayBuffer[]): void
  /** Ends the connection: both ends will hear `lost` with `reason`. What was sent before still arrives. Idempotent. */
  close(reason: string): void
}

export interface ConnectionListener {
  /** A frame has arrived. The bytes belong to the listener. */
  received(frame: Uint8Array, moved?: readonly ArrayBuffer[]): void
  /** The connection is no more; nothing else will be told. `reason` is for people. */
  lost(reason: string): void
}

export interface Carrier {
  /**
   * Takes connections for the node `name` until the returned function is called, which leaves open connections alone.
   * Throws ERR_CARRIER if this carrier has a listener of that name.
   */
  listen(name: string, accept: (connection: Connection) => void): () => void
  /** Connects to the node `name`. Rejects with ERR_CARRIER if it cannot be reached. */
  dial(name: string): Promise<Connection>
}
