/** Six moments of a dub as one picture: original, dubbed, and what differs. */

const MOMENTS = 6;
const CELL_PX = 240;
const GAP_PX = 4;

export class FrameStrip {
  #canvas;
  #compare = null;
  #drawing = 0;

  constructor(canvas) {
    this.#canvas = canvas;
  }

  /** Will show what `compare` shows. */
  of(compare) {
    this.#compare = compare;
    this.#drawing++;
  }

  /** Draws with players of its own, so that what is being watched is not disturbed. */
  async draw() {
    const drawing = ++this.#drawing;
    const { dubbed, original } = this.#compare.videos;
    const sources = [original, dubbed].map((video) => video.currentSrc).filter(Boolean);
    const players = await Promise.all(sources.map(loaded)).catch(() => []);
    if (drawing !== this.#drawing || !players.length) return;
    const pen = this.#prepared(players.at(-1), players.length === 2 ? 3 : 1);
    for (let column = 0; column < MOMENTS; column++) {
      const time = ((column + 0.5) / MOMENTS) * dubbed.duration;
      await Promise.all(players.map((player, row) => sought(player, row || players.length === 1 ? time : this.#compare.timeInOriginal(time))));
      if (drawing !== this.#drawing) return;
      drawColumn(pen, players, column);
    }
    for (const player of players) player.removeAttribute("src");
  }

  #prepared(player, rows) {
    const height = Math.round((CELL_PX * player.videoHeight) / player.videoWidth);
    this.#canvas.width = MOMENTS * (CELL_PX + GAP_PX) - GAP_PX;
    this.#canvas.height = rows * (height + GAP_PX) - GAP_PX;
    return { canvas: this.#canvas.getContext("2d"), height };
  }
}

function drawColumn({ canvas, height }, players, column) {
  const x = column * (CELL_PX + GAP_PX);
  const y = (row) => row * (height + GAP_PX);
  const draw = (player, row) => canvas.drawImage(player, x, y(row), CELL_PX, height);
  players.forEach(draw);
  if (players.length < 2) return;
  draw(players[0], 2);
  canvas.globalCompositeOperation = "difference";
  draw(players[1], 2);
  canvas.globalCompositeOperation = "lighter";
  for (let doubling = 0; doubling < 2; doubling++) {
    canvas.drawImage(canvas.canvas, x, y(2), CELL_PX, height, x, y(2), CELL_PX, height);
  }
  canvas.globalCompositeOperation = "source-over";
}

function loaded(url) {
  const player = document.createElement("video");
  Object.assign(player, { muted: true, playsInline: true, preload: "auto", src: url });
  return happens(player, "loadeddata").then(() => player);
}

function sought(player, time) {
  const there = happens(player, "seeked");
  player.currentTime = Math.min(time, player.duration - 0.01);
  return there;
}

function happens(player, name) {
  return new Promise((resolve, reject) => {
    player.addEventListener(name, resolve, { once: true });
    player.addEventListener("error", () => reject(player.error), { once: true });
  });
}
