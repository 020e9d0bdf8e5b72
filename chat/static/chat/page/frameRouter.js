// What the server says, and who has to hear it.

const RINGING = ["message", "settled", "conversation"];

export class Traffic {
    #feed = null;
    #epoch = null;
    #greeted = false;

    constructor(parts) {
        Object.assign(this, parts);
        this.connection.addEventListener("frame", ({ detail }) => this.#hear(detail));
        this.connection.addEventListener("state", () => this.connection.state.name === "live" && this.#live());
        this.replies.addEventListener("gap", () => this.connection.hello());
        this.replies.addEventListener("change", ({ detail }) => this.announcer.hear(detail.reply));
        this.replies.addEventListener("final", ({ detail }) => this.announcer.finish(detail.reply));
    }

    // What this page has seen: where the server goes on.
    hello() {
        const seen = { positions: this.replies.positions() };
        return this.#feed === null ? seen : { ...seen, feed: this.#feed };
    }

    #hear(frame) {
        if (frame.type === "welcome") this.#welcome(frame);
        else if (frame.type === "feed") this.#news(frame);
        else if (frame.type === "accepted") this.outbox.accepted(frame);
        else if (frame.type === "error") this.#wrong(frame);
        else if (frame.message_id && frame.seq) this.#reply(frame);
    }

    #reply(frame) {
        this.replies.take(frame);
        if (!frame.type.startsWith("question")) return;
        this.needs.look();
        this.sidebar.refreshLive();
    }

    #welcome({ feed, epoch }) {
        const missed = this.#feed !== null && this.#feed < feed; // away for so long that the news is gone
        this.#feed = feed;
        if (missed || (this.#epoch && this.#epoch !== epoch)) this.#resync();
        this.#epoch = epoch;
    }

    // After a break anything may have happened.
    #live() {
        if (this.#greeted) this.#resync();
        this.#greeted = true;
    }

    #resync() {
        this.sidebar.load().catch(() => {});
        this.thread.sync();
        this.needs.look();
    }

    #news(frame) {
        if (frame.feed_seq <= this.#feed) return;
        if (frame.feed_seq > this.#feed + 1) return this.connection.hello();
        this.#feed = frame.feed_seq;
        if (!RINGING.includes(frame.what)) return;
        this.sidebar.refresh(frame.conversation_id);
        if (frame.conversation_id === this.thread.id) this.thread.syncSoon();
        else if (frame.what === "settled") this.replies.forget(frame.message_id);
    }

    #wrong(frame) {
        if (frame.client_msg_id) this.outbox.failed(frame);
        else if (frame.code === "rate_limited") setTimeout(() => this.connection.hello(), 1000);
    }
}
