-- The import declarations of ASYCUDA World, one row a goods item, under the headers that the form `asycuda` reads. Oracle, SQL Server
-- and DuckDB all run it; docs/extraction.md says how, and what to set: the bounds :first and :next, the schema, the code of the duty.
SELECT
    g.INSTANCEID AS INSTANCEID,
    i.KEY_ITM_NBR AS KEY_ITM_NBR,
    g.IDE_REG_DAT AS IDE_REG_DAT,
    g.IDE_CUO_COD AS IDE_CUO_COD,
    CONCAT(g.IDE_TYP_SAD, g.IDE_TYP_PRC) AS TYP_DEC_COD,
    i.TAR_PRC_EXT AS PRC_EXT_COD,
    i.TAR_PRC_NAT AS PRC_NAT_COD,
    g.TPT_MOT_BRD_COD AS TPT_MOT_COD,
    g.DEC_COD AS DEC_COD,
    g.CMP_CON_COD AS CMP_CON_COD,
    g.CMP_EXP_COD AS CMP_EXP_COD,
    i.TAR_HSC_NB1 AS TAR_HSC,
    g.GEN_CTY_EPT_COD AS CTY_EXP_COD,
    i.GDS_ORG_CTY AS CTY_ORG_COD,
    COALESCE(t.TAX_RAT, 0) AS TAX_RAT,
    i.TAR_PRF AS TAR_PRF_COD,
    i.VIT_WGT_NET AS VIT_WGT_NET,
    i.VIT_STV AS STV,
    CASE
        WHEN g.PTY_RED = 1 THEN 'RED'
        WHEN g.PTY_YEL = 1 THEN 'YELLOW'
        WHEN g.PTY_BLU = 1 THEN 'BLUE'
        ELSE 'GREEN'
    END AS SEL_LANE,
    a.AMT_RECOVERED AS AMT_RECOVERED
FROM AWUNADM.SAD_GENERAL_SEGMENT g
JOIN AWUNADM.SAD_ITEM i ON i.INSTANCEID = g.INSTANCEID
-- The rate of the customs duty; its code differs from country to country.
LEFT JOIN (
    SELECT INSTANCEID, KEY_ITM_NBR, MAX(TAX_LIN_RAT) AS TAX_RAT
    FROM AWUNADM.SAD_TAX
    WHERE TAX_LIN_COD = 'ICD'
    GROUP BY INSTANCEID, KEY_ITM_NBR
) t ON t.INSTANCEID = i.INSTANCEID AND t.KEY_ITM_NBR = i.KEY_ITM_NBR
-- The inspection act of the declaration: what it found is an amount, 0 where it found nothing, nothing where there was no inspection.
LEFT JOIN (
    SELECT p.IDE_CUO_COD, p.SAD_DEC_REF_YEA, p.SAD_REG_SER, p.SAD_REG_NBR, SUM(COALESCE(e.AMT, 0)) AS AMT_RECOVERED
    FROM AWUNADM.INSP_ACT_TAB p
    LEFT JOIN AWUNADM.INSP_ACT_EXAM e ON e.INSTANCE_ID = p.INSTANCE_ID
    GROUP BY p.IDE_CUO_COD, p.SAD_DEC_REF_YEA, p.SAD_REG_SER, p.SAD_REG_NBR
) a ON a.IDE_CUO_COD = g.IDE_CUO_COD
    AND a.SAD_DEC_REF_YEA = g.DEC_REF_YER
    AND a.SAD_REG_SER = g.IDE_REG_SER
    AND a.SAD_REG_NBR = g.IDE_REG_NBR
WHERE g.IDE_TYP_TYP = 'I'
    AND g.IDE_REG_NBR IS NOT NULL
    AND g.IDE_REG_DAT >= :first
    AND g.IDE_REG_DAT < :next
    -- Declarations that were cancelled.
    AND NOT EXISTS (
        SELECT 1
        FROM AWUNADM.UN_ASYBRK_IED d
        JOIN AWUNADM.UN_ASYBRK_TRACK k ON k.IED_ID = d.IED_ID
        WHERE d.INSTANCE_ID = g.INSTANCEID AND k.OP_NAME = 'Cancel'
    )
ORDER BY g.IDE_REG_DAT, g.INSTANCEID, i.KEY_ITM_NBR
