// One file on its way to the server, or there. Events: "change" when it got further, arrived or failed.

import { sendFile } from "../lib/api.js";
import { fitting } from "./shrink.js";

export class Upload extends EventTarget {
    progress = 0;
    row = null; // as the server has it
    error = "";
    #hangUp = new AbortController();

    constructor(file, limits) {
        super();
        Object.assign(this, { file, limits });
    }

    // A file that is on the server already.
    static of(row) {
        const there = new Upload(null, null);
        there.row = row;
        return there;
    }

    get name() {
        return this.row?.name ?? this.file.name;
    }

    get size() {
        return this.row?.size ?? this.file.size;
    }

    get isImage() {
        return this.row ? this.row.kind === "image" : this.file.type.startsWith("image/");
    }

    get isUnderWay() {
        return !this.row && !this.error;
    }

    async start() {
        Object.assign(this, { error: "", progress: 0 });
        this.#changed();
        try {
            this.file = await fitting(this.file, this.limits.image);
            if (!this.file.size) throw new Error("There is nothing in this file.");
            if (this.file.size > this.limits.largest) throw new Error("This file is too large.");
            this.row = await sendFile("attachments", this.file, { signal: this.#hangUp.signal, onprogress: (share) => this.#further(share) });
        } catch (error) {
            if (error.name === "AbortError") return;
            this.error = error.message;
            this.mayRetry = error.isPassing ?? false;
        }
        this.#changed();
    }

    stop() {
        this.#hangUp.abort();
    }

    #further(share) {
        this.progress = share;
        this.#changed();
    }

    #changed() {
        this.dispatchEvent(new Event("change"));
    }
}
