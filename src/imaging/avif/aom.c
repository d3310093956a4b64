/* The few calls of libaom that Safelight needs, for one still image on the calling thread.
 *
 * In C because libaom's structures differ between its versions: this file is compiled against the headers that are installed.
 * The structures here are those of src/imaging/avif/aom.rs, field by field. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <aom/aom_decoder.h>
#include <aom/aom_encoder.h>
#include <aom/aomcx.h>
#include <aom/aomdx.h>

/* Luma and, unless `monochrome`, the two chroma planes. Samples of more than 8 bits are two bytes in the machine's order. */
struct planes {
    const uint8_t *data[3];
    size_t stride[3]; /* bytes of a row */
    uint32_t width, height;
    uint32_t depth;
    uint32_t monochrome, half_width, half_height; /* booleans; the latter two: of chroma */
    uint32_t full_range, primaries, transfer, matrix; /* ITU-T H.273 */
};

/* DELTA_Q_PERCEPTUAL_AI of libaom, which does not export the name: by how much the blocks of a still vary. */
#define PERCEPTUAL_DELTA_Q 3u

struct encoded {
    void *context; /* to be handed to safelight_aom_free */
    const uint8_t *data;
    size_t length;
};

struct decoded {
    void *context; /* to be handed to safelight_aom_free */
    struct planes planes;
};

void safelight_aom_free(void *context) {
    if (context != NULL) {
        aom_codec_destroy(context);
        free(context);
    }
}

static void wrap(const struct planes *planes, aom_image_t *image) {
    aom_img_fmt_t format = AOM_IMG_FMT_I420;
    if (!planes->monochrome && !planes->half_width) format = AOM_IMG_FMT_I444;
    else if (!planes->monochrome && !planes->half_height) format = AOM_IMG_FMT_I422;
    /* The buffer is never read through this pointer: the planes follow, each by itself. */
    aom_img_wrap(image, format, planes->width, planes->height, 1, (unsigned char *)planes->data[0]);
    for (int i = 0; i < 3; i++) {
        image->planes[i] = (unsigned char *)planes->data[i];
        image->stride[i] = (int)planes->stride[i];
    }
    image->monochrome = planes->monochrome != 0;
    image->range = planes->full_range ? AOM_CR_FULL_RANGE : AOM_CR_STUDIO_RANGE;
    image->cp = planes->primaries;
    image->tc = planes->transfer;
    image->mc = planes->matrix;
}

/* Encodes planes of 8 bits. `quantizer` is 0 (best) to 63, `speed` 0 (slow) to 9. Returns 0, or libaom's error. */
int safelight_aom_encode(const struct planes *planes, uint32_t quantizer, uint32_t speed, struct encoded *out) {
    memset(out, 0, sizeof *out);
    aom_codec_ctx_t *codec = calloc(1, sizeof *codec);
    if (codec == NULL) return AOM_CODEC_MEM_ERROR;
    aom_codec_iface_t *av1 = aom_codec_av1_cx();
    aom_codec_enc_cfg_t config;
    int error = aom_codec_enc_config_default(av1, &config, AOM_USAGE_ALL_INTRA);
    if (error) {
        free(codec);
        return error;
    }
    config.g_w = planes->width;
    config.g_h = planes->height;
    config.g_profile = planes->monochrome || planes->half_height ? 0 : planes->half_width ? 2 : 1;
    config.monochrome = planes->monochrome;
    config.g_threads = 1;
    config.g_limit = 1;
    config.g_lag_in_frames = 0;
    config.full_still_picture_hdr = 0;
    config.rc_end_usage = AOM_Q;
    config.rc_min_quantizer = config.rc_max_quantizer = quantizer;
    error = aom_codec_enc_init(codec, av1, &config, 0);
    if (error) {
        free(codec);
        return error;
    }
    out->context = codec;
    aom_image_t image;
    wrap(planes, &image);
    aom_codec_control(codec, AOME_SET_CPUUSED, (int)speed);
    aom_codec_control(codec, AOME_SET_CQ_LEVEL, quantizer);
    aom_codec_control(codec, AV1E_SET_ROW_MT, 0u);
    /* Bits go to where they are seen: smaller files at the same score. Versions that cannot do either go on without. */
    aom_codec_control(codec, AOME_SET_TUNING, AOM_TUNE_SSIM);
    aom_codec_control(codec, AV1E_SET_DELTAQ_MODE, PERCEPTUAL_DELTA_Q);
    aom_codec_control(codec, AV1E_SET_COLOR_RANGE, (int)image.range);
    aom_codec_control(codec, AV1E_SET_COLOR_PRIMARIES, (int)image.cp);
    aom_codec_control(codec, AV1E_SET_TRANSFER_CHARACTERISTICS, (int)image.tc);
    aom_codec_control(codec, AV1E_SET_MATRIX_COEFFICIENTS, (int)image.mc);
    error = aom_codec_encode(codec, &image, 0, 1, 0);
    if (error) return error;
    for (int flushed = 0;;) {
        aom_codec_iter_t place = NULL;
        const aom_codec_cx_pkt_t *packet;
        while ((packet = aom_codec_get_cx_data(codec, &place)) != NULL) {
            if (packet->kind == AOM_CODEC_CX_FRAME_PKT) {
                out->data = packet->data.frame.buf;
                out->length = packet->data.frame.sz;
                return 0;
            }
        }
        if (flushed) return AOM_CODEC_ERROR;
        flushed = 1;
        error = aom_codec_encode(codec, NULL, 0, 1, 0);
        if (error) return error;
    }
}

/* Decodes the first picture of an AV1 stream. The planes are there until the context is freed. Returns 0, or libaom's error. */
int safelight_aom_decode(const uint8_t *data, size_t length, struct decoded *out) {
    memset(out, 0, sizeof *out);
    aom_codec_ctx_t *codec = calloc(1, sizeof *codec);
    if (codec == NULL) return AOM_CODEC_MEM_ERROR;
    aom_codec_dec_cfg_t config = {.threads = 1, .allow_lowbitdepth = 1};
    int error = aom_codec_dec_init(codec, aom_codec_av1_dx(), &config, 0);
    if (error) {
        free(codec);
        return error;
    }
    out->context = codec;
    /* Of several layers the last is the whole picture. */
    aom_codec_control(codec, AV1D_SET_OUTPUT_ALL_LAYERS, 0);
    error = aom_codec_decode(codec, data, length, NULL);
    if (error) return error;
    aom_codec_iter_t place = NULL;
    const aom_image_t *image = aom_codec_get_frame(codec, &place);
    if (image == NULL) return AOM_CODEC_CORRUPT_FRAME;
    struct planes *planes = &out->planes;
    int words = (image->fmt & AOM_IMG_FMT_HIGHBITDEPTH) != 0;
    for (int i = 0; i < 3; i++) {
        planes->data[i] = image->planes[i];
        planes->stride[i] = (size_t)image->stride[i];
    }
    planes->width = image->d_w;
    planes->height = image->d_h;
    planes->depth = image->bit_depth;
    planes->monochrome = image->monochrome != 0;
    planes->half_width = image->x_chroma_shift;
    planes->half_height = image->y_chroma_shift;
    planes->full_range = image->range == AOM_CR_FULL_RANGE;
    planes->primaries = image->cp;
    planes->transfer = image->tc;
    planes->matrix = image->mc;
    /* A deep picture must have deep samples, and no other. */
    return (planes->depth > 8) == words && image->stride[0] > 0 ? 0 : AOM_CODEC_UNSUP_BITSTREAM;
}
