// Makes pictures fit: what is too large for models, or of a kind that only this browser knows, becomes a JPEG.

const TAKEN = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const LONGEST_PX = 2000; // models look at less
const QUALITY = 0.88;

export async function fitting(file, mostBytes) {
    if (!file.type.startsWith("image/") || file.type === "image/svg+xml") return file;
    if (TAKEN.includes(file.type) && file.size <= mostBytes) return file;
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) return file; // the server says what is wrong with it
    const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)));
    const pen = canvas.getContext("2d");
    pen.fillStyle = "white"; // a JPEG has nothing to see through
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const drawn = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    return new File([drawn], `${file.name.replace(/\.\w+$/, "")}.jpg`, { type: drawn.type });
}
