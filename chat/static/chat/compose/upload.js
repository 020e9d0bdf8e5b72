// One file on its way to the server, or there. Emits "change" when it progressed, arrived or failed.
// Pictures that are too large for models, or of a kind that only this browser knows, become a JPEG first.

import { ApiError, isAbort, messageOf, uploadFile } from "../lib/api.js";
import { Emitter } from "../lib/emitter.js";

const ACCEPTED = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const LONGEST_PX = 2000; // models look at less
const QUALITY = 0.88;

/** @extends {Emitter<{ change: undefined }>} */
export class Upload extends Emitter {
    progress = 0; // 0 to 1
    error = "";
    mayRetry = false;
    /** @type {Wire.Attachment | null} as the server has it */
    attachment = null;
    /** @type {File | null} */
    file = null;
    #limits;
    #abort = new AbortController();

    /** @param {Wire.FileLimits} limits */
    constructor(limits) {
        super();
        this.#limits = limits;
    }

    /**
     * @param {File} file
     * @param {Wire.FileLimits} limits
     */
    static of(file, limits) {
        return Object.assign(new Upload(limits), { file });
    }

    /**
     * A file that is on the server already.
     * @param {Wire.Attachment} attachment
     * @param {Wire.FileLimits} limits
     */
    static stored(attachment, limits) {
        return Object.assign(new Upload(limits), { attachment });
    }

    get name() {
        return (this.attachment ?? this.file)?.name ?? "";
    }

    get size() {
        return (this.attachment ?? this.file)?.size ?? 0;
    }

    get isImage() {
        return this.attachment ? this.attachment.kind === "image" : Boolean(this.file?.type.startsWith("image/"));
    }

    get isPending() {
        return !this.attachment && !this.error;
    }

    async start() {
        if (!this.file) return;
        Object.assign(this, { error: "", progress: 0 });
        this.emit("change");
        try {
            this.file = await shrink(this.file, this.#limits.image);
            if (!this.file.size) throw new Error("This file is empty.");
            if (this.file.size > this.#limits.largest) throw new Error("This file is too large.");
            const onprogress = (/** @type {number} */ share) => this.#advance(share);
            this.attachment = await uploadFile("attachments", this.file, { signal: this.#abort.signal, onprogress });
        } catch (error) {
            if (isAbort(error)) return;
            this.error = messageOf(error);
            this.mayRetry = error instanceof ApiError && error.isTransient;
        }
        this.emit("change");
    }

    cancel() {
        this.#abort.abort();
    }

    /** @param {number} share */
    #advance(share) {
        this.progress = share;
        this.emit("change");
    }
}

/**
 * @param {File} file
 * @param {number} maxBytes
 */
async function shrink(file, maxBytes) {
    if (!file.type.startsWith("image/") || file.type === "image/svg+xml") return file;
    if (ACCEPTED.includes(file.type) && file.size <= maxBytes) return file;
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) return file; // the server's refusal says what is wrong
    const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)));
    const context = canvas.getContext("2d");
    if (!context) return file;
    context.fillStyle = "white"; // a JPEG has no transparency
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return new File([blob], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: blob.type });
}
