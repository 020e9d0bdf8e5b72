// Hands each frame of the socket to the parts of the page that it concerns, and resumes after a break.

/** @import { Outbox } from "../compose/outbox.js" */
/** @import { Thread } from "../thread/thread.js" */
/** @import { Announcer } from "./announcer.js" */
/** @import { Connection } from "./connection.js" */
/** @import { LiveReplies } from "./liveReplies.js" */
/** @import { PendingApprovals } from "./pendingApprovals.js" */
/** @import { Sidebar } from "./sidebar.js" */

/**
 * @typedef {object} Parts
 * @property {Connection} connection
 * @property {LiveReplies} replies
 * @property {Outbox} outbox
 * @property {Thread} thread
 * @property {Sidebar} sidebar
 * @property {Announcer} announcer
 * @property {PendingApprovals} approvals
 */

const CONVERSATION_EVENTS = ["message", "settled", "conversation"];

export class FrameRouter {
    /** @type {number | null} the number of the latest feed frame */
    #feed = null;
    #epoch = "";
    #wasLive = false;
    #parts;

    /** @param {Parts} parts */
    constructor(parts) {
        this.#parts = parts;
        const { connection, replies, announcer } = parts;
        connection.on("frame", (frame) => this.#route(frame));
        connection.on("state", () => connection.isLive && this.#connected());
        replies.on("gap", () => connection.sendHello());
        replies.on("change", ({ reply }) => announcer.replyChanged(reply));
        replies.on("final", ({ reply }) => announcer.replyFinished(reply));
    }

    /** What this page has seen: where the server goes on. */
    helloFields() {
        const positions = this.#parts.replies.positions();
        return this.#feed === null ? { positions } : { positions, feed: this.#feed };
    }

    /** @param {Wire.Frame} frame */
    #route(frame) {
        const { outbox } = this.#parts;
        if (frame.type === "welcome") this.#welcomed(frame);
        else if (frame.type === "feed") this.#feedChanged(frame);
        else if (frame.type === "accepted") outbox.confirm(frame);
        else if (frame.type === "error") this.#refused(frame);
        else if (frame.message_id && frame.seq) this.#replyChanged(frame);
    }

    /** @param {Wire.ReplyFrame} frame */
    #replyChanged(frame) {
        const { replies, approvals, sidebar } = this.#parts;
        replies.receive(frame);
        if (frame.type !== "approval" && frame.type !== "approval_resolved") return;
        approvals.load();
        sidebar.refreshLive();
    }

    /** @param {Wire.Welcome} frame */
    #welcomed({ feed, epoch }) {
        const missed = this.#feed !== null && this.#feed < feed; // the break was so long that its feed is gone
        this.#feed = feed;
        if (missed || (this.#epoch && this.#epoch !== epoch)) this.#reload();
        this.#epoch = epoch;
    }

    // After a break anything may have changed.
    #connected() {
        if (this.#wasLive) this.#reload();
        this.#wasLive = true;
    }

    #reload() {
        const { sidebar, thread, approvals } = this.#parts;
        sidebar.load().catch(() => {});
        thread.sync();
        approvals.load();
    }

    /** @param {Wire.FeedFrame} frame */
    #feedChanged(frame) {
        const { connection, sidebar, thread, replies } = this.#parts;
        const feed = this.#feed ?? 0;
        if (frame.feed_seq <= feed) return;
        if (frame.feed_seq > feed + 1) return connection.sendHello();
        this.#feed = frame.feed_seq;
        if (!CONVERSATION_EVENTS.includes(frame.what)) return;
        sidebar.refresh(frame.conversation_id);
        if (frame.conversation_id === thread.id) thread.syncSoon();
        else if (frame.what === "settled" && frame.message_id) replies.forget(frame.message_id);
    }

    /** @param {Wire.ErrorFrame} frame */
    #refused(frame) {
        const { outbox, connection } = this.#parts;
        if (frame.client_msg_id) outbox.fail(frame);
        else if (frame.code === "rate_limited") setTimeout(() => connection.sendHello(), 1000);
    }
}
