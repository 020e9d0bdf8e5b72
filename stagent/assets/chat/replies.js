// The replies that are not finished, as far as this page has heard them. Frames alone change them.
// Events of `Replies`: "change" (something was said), "final", "gap" (a frame is missing: say hello anew).

import { verify } from "./digest.js";

const ACK_FRAMES = 64;
const ACK_MS = 1000;

export class Reply {
    seq = 0;
    acked = 0;
    text = "";
    thinking = "";
    thinkingSince = 0;
    thinkingMs = 0;
    model = "";
    turn = 0;
    status = "pending";
    notes = [];
    tools = new Map();
    questions = new Map();
    final = null;
    heardAt = Date.now();

    constructor(id) {
        this.id = id;
    }

    take(frame) {
        this.seq = frame.seq;
        this.heardAt = Date.now();
        this[`_${frame.type}`]?.(frame);
    }

    get isWaitingForPerson() {
        return [...this.questions.values()].some((question) => question.status === "open");
    }

    _snapshot(frame) {
        this.text = frame.text;
        this.status = frame.status;
    }

    _started(frame) {
        this.status = "streaming";
        this.model = frame.model ?? "";
    }

    _turn(frame) {
        this.turn = frame.turn;
        this.status = "streaming";
    }

    _delta(frame) {
        this._stopThinking();
        this.text += frame.text;
        this.status = "streaming";
    }

    _thinking(frame) {
        this.thinkingSince ||= Date.now();
        this.thinking += frame.text;
    }

    _tool_started(frame) {
        this._stopThinking();
        this.tools.set(frame.call_id, { ...frame });
    }

    _tool_finished(frame) {
        this.tools.set(frame.call_id, { ...this.tools.get(frame.call_id), ...frame, done: true });
    }

    _usage(frame) {
        this.model = frame.model || this.model;
    }

    _notice(frame) {
        this.notes.push(frame.text);
    }

    _question(frame) {
        this.questions.set(frame.question_id, { ...frame, id: frame.question_id, status: "open" });
    }

    _question_settled(frame) {
        const asked = this.questions.get(frame.question_id);
        if (asked) asked.status = frame.status;
    }

    _final(frame) {
        this._stopThinking();
        this.final = frame;
        this.status = frame.status;
    }

    _stopThinking() {
        if (this.thinkingSince) this.thinkingMs += Date.now() - this.thinkingSince;
        this.thinkingSince = 0;
    }
}

export class Replies extends EventTarget {
    #known = new Map();
    #say;

    constructor(say) {
        super();
        this.#say = say;
        setInterval(() => this.#known.forEach((reply) => this.#ack(reply, 1)), ACK_MS);
    }

    get(id) {
        return this.#known.get(id);
    }

    // Begins to follow a reply of which nothing was heard yet.
    expect(id) {
        if (!this.#known.has(id)) this.#known.set(id, new Reply(id));
        return this.#known.get(id);
    }

    forget(id) {
        this.#known.delete(id);
    }

    // What a hello tells: where to go on.
    positions() {
        const live = [...this.#known.values()].filter((reply) => !reply.final);
        return Object.fromEntries(live.map((reply) => [reply.id, reply.seq]));
    }

    unfinished() {
        return [...this.#known.values()].filter((reply) => !reply.final);
    }

    take(frame) {
        const reply = this.expect(frame.message_id);
        const replaces = frame.type === "snapshot";
        if (reply.final || (!replaces && frame.seq <= reply.seq)) return;
        if (!replaces && frame.seq > reply.seq + 1) return this.#tell("gap", reply);
        reply.take(frame);
        this.#ack(reply, ACK_FRAMES);
        this.#tell("change", reply);
        if (reply.final) verify(reply).then((whole) => this.#tell("final", reply, whole));
    }

    #ack(reply, most) {
        if (reply.final || reply.seq - reply.acked < most) return;
        if (this.#say({ type: "ack", message_id: reply.id, seq: reply.seq })) reply.acked = reply.seq;
    }

    #tell(name, reply, whole = true) {
        this.dispatchEvent(new CustomEvent(name, { detail: { reply, whole } }));
    }
}
