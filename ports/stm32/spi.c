/* Written from RM0456 and RM0481, chapter SPI, and the register tables of both parts. Not checked
 * there: how deep a FIFO is (8 bytes are in all of them), and that pins keep their levels while SPE
 * is off, which AFCNTR is for. */
#include "ports/stm32/spi.h"

#include "ports/stm32/stm32.h"

#define CR1_ENABLE     (1u << 0)
#define CR1_START      (1u << 9)
#define CR1_SSI        (1u << 12) /* selected inside: NSS is a pin of ours */
#define CFG1_BYTES     7u
#define CFG1_MBR(mbr)  ((mbr) << 28)
#define CFG2_MASTER    (1u << 22)
#define CFG2_SSM       (1u << 26)
#define CFG2_KEEP_PINS (1u << 31) /* AFCNTR */
#define SR_HAS_BYTE    (1u << 0)
#define SR_HAS_ROOM    (1u << 1)
#define SR_END         (1u << 3)
#define SR_ERRORS      (1u << 5 | 1u << 6 | 1u << 9) /* underrun, overrun, mode fault */
#define IFCR_ALL       0xbf8u
#define FIFO_SIZE      8u
#define TURNS_PER_BYTE 2000u

void spi_start(uint32_t base, unsigned mbr)
{
    SPI_CR1(base) = CR1_SSI;
    SPI_CFG1(base) = CFG1_BYTES | CFG1_MBR(mbr);
    SPI_CFG2(base) = CFG2_MASTER | CFG2_SSM | CFG2_KEEP_PINS;
}

/* All bytes through the FIFOs; never more on their way than fit. */
static void move(uint32_t base, const uint8_t *out, uint8_t *in, size_t length)
{
    size_t sent = 0, got = 0;
    for (size_t turns = length * TURNS_PER_BYTE; turns > 0 && got < length; turns--) {
        const uint32_t status = SPI_SR(base);
        if (status & SR_ERRORS)
            return;
        if ((status & SR_HAS_ROOM) && sent < length && sent - got < FIFO_SIZE)
            SPI_TXDR(base) = out[sent++];
        if (status & SR_HAS_BYTE)
            in[got++] = SPI_RXDR(base);
    }
}

bool spi_exchange(uint32_t base, const uint8_t *out, uint8_t *in, size_t length)
{
    SPI_CR2(base) = (uint32_t)length;
    SPI_CR1(base) = CR1_SSI | CR1_ENABLE;
    SPI_CR1(base) = CR1_SSI | CR1_ENABLE | CR1_START;
    move(base, out, in, length);
    unsigned turns = TURNS_PER_BYTE;
    while (!(SPI_SR(base) & (SR_END | SR_ERRORS)) && --turns > 0) {
    }
    const bool good = (SPI_SR(base) & (SR_END | SR_ERRORS)) == SR_END;
    SPI_IFCR(base) = IFCR_ALL;
    SPI_CR1(base) = CR1_SSI;
    return good;
}
