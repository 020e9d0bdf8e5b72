// The replies that are not finished, as far as this page has received them. Only frames change them.
// Emits "change" and "final" with a reply, and "gap" when a frame is missing: the page must send hello again.

import { Emitter } from "../lib/emitter.js";

/** @typedef {Wire.Part & { since?: number, turn?: number }} LivePart `since` in ms since the epoch */
/** @typedef {Wire.OpenApproval & { id: Wire.Id, status: Wire.ApprovalStatus }} LiveApproval */
/** @typedef {Extract<Wire.ReplyFrame, { type: "final" }>} FinalFrame */

const ACK_FRAMES = 64;
const ACK_MS = 1000;

export class LiveReply {
    seq = 0;
    acknowledged = 0;
    text = "";
    /** @type {LivePart[]} */
    parts = [];
    turn = 0;
    /** @type {Wire.MessageStatus} */
    status = "pending";
    /** @type {Map<string, Wire.ToolCall>} */
    tools = new Map();
    /** @type {Map<Wire.Id, LiveApproval>} */
    approvals = new Map();
    /** @type {FinalFrame | null} */
    final = null;
    receivedAt = Date.now();

    /** @param {Wire.Id} id */
    constructor(id) {
        this.id = id;
    }

    /** @param {Wire.ReplyFrame} frame */
    apply(frame) {
        this.seq = frame.seq;
        this.receivedAt = Date.now();
        switch (frame.type) {
            case "snapshot": return this.#replace(frame);
            case "started": return void (this.status = "streaming");
            case "turn": return this.#beginTurn(frame.turn);
            case "delta": return this.#addText(frame.text);
            case "thinking": return this.#grow("thinking", frame.text);
            case "tool_started": return this.#addTool({ result: null, is_error: null, duration_ms: null, ...frame });
            case "tool_finished": return this.#finishTool(frame);
            case "approval": return this.#addApproval(frame);
            case "approval_resolved": return this.#resolveApproval(frame.approval_id, frame.status);
            case "final": return this.#finish(frame);
        }
    }

    /** @param {Extract<Wire.ReplyFrame, { type: "snapshot" }>} frame */
    #replace(frame) {
        this.text = frame.text;
        this.status = frame.status;
        this.parts = frame.parts.map((part) => ({ ...part }));
        this.tools = new Map(frame.tools.map((call) => [call.call_id, call]));
    }

    /** A turn that restarts drops the thoughts of its broken attempt, as chat/history/parts.py does. @param {number} turn */
    #beginTurn(turn) {
        const last = () => this.parts.at(-1);
        while (last()?.kind === "thinking" && last()?.turn === turn) this.parts.pop();
        this.turn = turn;
        this.status = "streaming";
    }

    /** @param {string} text */
    #addText(text) {
        this.text += text;
        this.status = "streaming";
        this.#grow("text", text);
    }

    /** @param {Wire.ToolCall} call */
    #addTool(call) {
        this.#endThought();
        if (!this.tools.has(call.call_id)) this.parts.push(newPart("tool", { call_id: call.call_id }));
        this.tools.set(call.call_id, call);
    }

    /** @param {Extract<Wire.ReplyFrame, { type: "tool_finished" }>} frame */
    #finishTool(frame) {
        const started = this.tools.get(frame.call_id) ?? { arguments: {}, allowed: null };
        this.tools.set(frame.call_id, { ...started, ...frame });
    }

    /** @param {Extract<Wire.ReplyFrame, { type: "approval" }>} frame */
    #addApproval(frame) {
        this.#endThought();
        this.approvals.set(frame.approval_id, { ...frame, id: frame.approval_id, status: "open" });
    }

    /**
     * @param {Wire.Id} id
     * @param {Wire.ApprovalStatus} status
     */
    #resolveApproval(id, status) {
        const approval = this.approvals.get(id);
        if (approval) approval.status = status;
    }

    /** @param {FinalFrame} frame */
    #finish(frame) {
        this.#endThought();
        this.final = frame;
        this.status = frame.status;
    }

    /**
     * The same as chat/history/parts.py: what continues is one part, and an approval ends a thought.
     * @param {"text" | "thinking"} kind
     * @param {string} text
     */
    #grow(kind, text) {
        const last = this.parts.at(-1);
        if (last?.kind === kind && !hasEnded(last)) {
            last.text += text;
            return;
        }
        this.#endThought();
        this.parts.push(newPart(kind, { text, since: Date.now(), turn: this.turn }));
    }

    #endThought() {
        const last = this.parts.at(-1);
        if (last?.kind === "thinking" && !hasEnded(last)) last.duration_ms = Date.now() - (last.since ?? Date.now());
    }

    /** Whether the text that was received is the one that the server stored. */
    async isComplete() {
        if (!this.final?.sha256) return true;
        // Without TLS, other than on localhost, a page may not hash; then the length has to do.
        if (!globalThis.crypto?.subtle) return [...this.text].length === this.final.length;
        const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(this.text));
        const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
        return hex === this.final.sha256;
    }
}

/**
 * @param {Wire.Part["kind"]} kind
 * @param {Partial<LivePart>} known
 * @returns {LivePart}
 */
function newPart(kind, known) {
    return { kind, text: null, html: null, call_id: null, duration_ms: null, ...known };
}

/** @param {LivePart} part */
function hasEnded(part) {
    return part.duration_ms !== null && part.duration_ms !== undefined;
}

/** @extends {Emitter<{ change: { reply: LiveReply }, final: { reply: LiveReply, isComplete: boolean }, gap: { reply: LiveReply } }>} */
export class LiveReplies extends Emitter {
    /** @type {Map<Wire.Id, LiveReply>} */
    #replies = new Map();
    #send;

    /** @param {(frame: Wire.Request) => boolean} send returns whether the frame was sent */
    constructor(send) {
        super();
        this.#send = send;
        setInterval(() => this.#replies.forEach((reply) => this.#acknowledge(reply, 1)), ACK_MS);
    }

    /** Returns a reply, an empty one where nothing was received of it. @param {Wire.Id} id */
    expect(id) {
        const reply = this.#replies.get(id) ?? new LiveReply(id);
        this.#replies.set(id, reply);
        return reply;
    }

    /** @param {Wire.Id} id */
    forget(id) {
        this.#replies.delete(id);
    }

    /** Where the server goes on, by reply. */
    positions() {
        const unfinished = [...this.#replies.values()].filter((reply) => !reply.final);
        return Object.fromEntries(unfinished.map((reply) => [reply.id, reply.seq]));
    }

    /** @param {Wire.ReplyFrame} frame */
    receive(frame) {
        const reply = this.expect(frame.message_id);
        const isSnapshot = frame.type === "snapshot";
        if (reply.final || (!isSnapshot && frame.seq <= reply.seq)) return;
        if (!isSnapshot && frame.seq > reply.seq + 1) return this.emit("gap", { reply });
        reply.apply(frame);
        this.#acknowledge(reply, ACK_FRAMES);
        this.emit("change", { reply });
        if (reply.final) reply.isComplete().then((isComplete) => this.emit("final", { reply, isComplete }));
    }

    /**
     * @param {LiveReply} reply
     * @param {number} least how many frames are worth a request
     */
    #acknowledge(reply, least) {
        if (reply.final || reply.seq - reply.acknowledged < least) return;
        if (this.#send({ type: "ack", message_id: reply.id, seq: reply.seq })) reply.acknowledged = reply.seq;
    }
}
