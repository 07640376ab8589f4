// slotq.d.ts: the types of slotq.js. Payloads and keys go in as strings or Buffers, and come out as
// Buffers.

/** What a call came to, where the queue works. */
export type Outcome = 'OK' | 'STALE' | 'GONE' | 'NOTFOUND' | 'DEADFULL' | 'EMPTY' | 'AGAIN'
    | 'LIMITED' | 'FULL' | 'PAUSED' | 'CLOSED' | 'DUPLICATE';
export type Bytes = string | Buffer;
export type Mode = 'unique' | 'once' | 'resend';

/** A call that the queue refused, unchanged. */
export class Refused extends Error {
    readonly code: string; // INVALID, TOOBIG, NOQUEUE, REMADE, SHARDED, CORRUPT ...
}
/** The connection ended after the call was sent: it may have happened, or not. */
export class OutcomeUnknown extends Error {}

/** A leased message. extend changes its token. */
export interface Message {
    id: number;
    token: number;
    attempts: number;
    payload: Buffer;
    generation: number;
    group: number;
}
/** The message that keeps a queue full. */
export interface Holder {
    id: number;
    held: number;
    unfinished: number;
    group: number;
    state: number;
    deadFull: boolean;
}
/** The message that has a key. */
export interface Found {
    place: 'ring' | 'aside' | 'scheduled';
    id: number;
    unfinished: boolean;
    index: number; // which message of the call was refused, from 0
}
export interface Pushed {
    outcome: Outcome;
    ids: number[];
    holder?: Holder; // FULL
    taken?: Found; // DUPLICATE
}
export interface Batch {
    outcome: Outcome;
    messages: Message[];
    dueMs: number; // when a lease or delay ends that may make a message ready; -1: not known
}
export interface Status {
    state: 'READY' | 'LEASED' | 'WAITING' | 'DONE' | 'FINISHED' | 'NOTFOUND';
    why: number;
    attempts: number;
    deadlineMs: number;
    ageMs: number;
    position: number;
    pushedMs: number;
}
/** The arguments of create: lua/README.md, "Numbers". */
export interface Shape {
    ringSlots?: number;
    payloadBytes?: number;
    laterSlots?: number;
    deadSlots?: number;
    groups?: number;
    flags?: number;
    maxAttempts?: number;
    tickMs?: number;
    asideSlots?: number;
    places?: number;
    noteBytes?: number;
}
export interface Geometry extends Required<Shape> {
    raw: Buffer;
    headBytes: number;
    generation: number;
    set: number;
}
export interface AtTime { nowMs?: number }

/** client is one of node-redis 4: createClient(). */
export class Scripts {
    constructor(client: any, folder?: string);
    call(name: string, keys: Bytes[], args: Bytes[]): Promise<any>;
}

export class Queue {
    constructor(client: any, name: Bytes, scripts?: Scripts);
    readonly name: Buffer;
    create(shape?: Shape): Promise<void>;
    geometry(): Promise<Geometry>;
    call(script: string, args: (Bytes | number)[], options?: AtTime): Promise<any>;
    push(payloads: Bytes[], options?: AtTime & {
        keys?: (Bytes | null)[]; mode?: Mode; timeoutMs?: number; signal?: AbortSignal;
    }): Promise<Pushed>;
    schedule(payloads: Bytes[], dueMs: number, options?: AtTime & {
        keys?: (Bytes | null)[]; mode?: Mode; notPast?: boolean;
    }): Promise<Pushed>;
    reserve(count?: number, options?: AtTime & {
        leaseMs?: number; group?: number; timeoutMs?: number; signal?: AbortSignal;
    }): Promise<Batch>;
    ack(messages: Message[], options?: AtTime): Promise<Outcome[]>;
    nack(messages: Message[], options?: AtTime & {
        delayMs?: number; reason?: number; note?: string;
    }): Promise<Outcome[]>;
    release(messages: Message[], options?: AtTime & { delayMs?: number }): Promise<Outcome[]>;
    kill(messages: Message[], options?: AtTime & {
        reason?: number; note?: string;
    }): Promise<Outcome[]>;
    extend(messages: Message[], options?: AtTime & { leaseMs?: number }): Promise<Outcome[]>;
    status(ids: number[], options?: AtTime & { group?: number }): Promise<Status[]>;
    stats(options?: AtTime & { group?: number }): Promise<Record<string, number>>;
    find(key: Bytes, options?: AtTime): Promise<Found | null>;
    cancel(laterId: number, options?: AtTime): Promise<Outcome>;
    close(): Promise<void>;
}

export interface Task {
    readonly id: number; // with the queue's name it is an idempotency key
    readonly payload: Buffer;
    readonly attempts: number;
    readonly message: Message;
    readonly lost: boolean; // another worker may have the message: stop
}
export type Result = void | 'done' | { retry?: number; reason?: number; note?: string }
    | { dead: number; note?: string } | { snooze: number };

export class Worker {
    constructor(queue: Queue, handler: (task: Task) => Promise<Result> | Result, options?: {
        concurrency?: number;
        leaseMs?: number;
        group?: number;
        backoff?: (attempts: number) => number;
        stopMs?: number;
        onError?: (error: Error) => void;
    });
    readonly counts: Record<'done' | 'retried' | 'dead' | 'snoozed' | 'lost' | 'unknown', number>;
    run(options?: { catchSignals?: boolean }): Promise<boolean>;
    stop(): void;
}
